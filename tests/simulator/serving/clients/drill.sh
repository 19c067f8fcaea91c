#!/usr/bin/env bash
# A drill with the AWS CLI: DRS, a notification to a queue, conditional writes. Prints one line a fact.
set -euo pipefail

attempt() { # the error of a command that fails
  local said
  said=$("$@" 2>&1 >/dev/null) && { echo "no error: $*"; return; }
  sed -nE 's/^.*An error occurred \(([A-Za-z]+)\).*$/\1/p' <<<"$said"
}

sqs() { # version 1 of the CLI ignores AWS_ENDPOINT_URL for SQS
  aws --endpoint-url "$AWS_ENDPOINT_URL" sqs "$@"
}

completed() { # waits for a job
  until [ "$(aws drs describe-jobs --filters "jobIDs=$1" --query 'items[0].status' --output text)" = COMPLETED ]; do
    sleep 0.2
  done
}

queue=$(sqs create-queue --queue-name cli --query QueueUrl --output text)
arn=$(sqs get-queue-attributes --queue-url "$queue" --attribute-names QueueArn --query Attributes.QueueArn --output text)
topic=$(aws sns create-topic --name cli --query TopicArn --output text)
aws sns subscribe --topic-arn "$topic" --protocol sqs --notification-endpoint "$arn" \
  --attributes RawMessageDelivery=true >/dev/null
echo "queue $queue"

aws dynamodb create-table --table-name cli --key-schema AttributeName=Id,KeyType=HASH \
  --attribute-definitions AttributeName=Id,AttributeType=S --billing-mode PAY_PER_REQUEST >/dev/null
put=(aws dynamodb put-item --table-name cli --item '{"Id":{"S":"drill"}}' \
  --condition-expression 'attribute_not_exists(Id)')
"${put[@]}"
echo "error $(attempt "${put[@]}")"

server=$(aws drs describe-source-servers --query 'items[0].sourceServerID' --output text)
start=(aws drs start-recovery --is-drill --source-servers "sourceServerID=$server")
job=$("${start[@]}" --query job.jobID --output text)
echo "error $(attempt "${start[@]}")"
completed "$job"
read -r status instance < <(aws drs describe-jobs --filters "jobIDs=$job" --output text \
  --query 'items[0].participatingServers[0].[launchStatus, recoveryInstanceID]')
echo "launch $status"
aws sns publish --topic-arn "$topic" --message "drill completed" >/dev/null
sqs receive-message --queue-url "$queue" --attribute-names ApproximateReceiveCount --output text \
  --query 'Messages[0].[Body, Attributes.ApproximateReceiveCount]' | sed 's/^/message /'

clean=$(aws drs terminate-recovery-instances --recovery-instance-ids "$instance" --query job.jobID --output text)
completed "$clean"
echo "left $(aws drs describe-recovery-instances --query 'length(items)')"
