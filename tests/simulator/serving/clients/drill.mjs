// A drill with the AWS SDK for JavaScript v3: DRS, a notification to a queue, conditional writes. Prints JSON.
import {
  DescribeJobsCommand,
  DescribeRecoveryInstancesCommand,
  DescribeSourceServersCommand,
  DrsClient,
  StartRecoveryCommand,
  TerminateRecoveryInstancesCommand,
} from "@aws-sdk/client-drs";
import {
  CreateTableCommand,
  DynamoDBClient,
  PutItemCommand,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import { CreateTopicCommand, PublishCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";

const [drs, dynamodb, sns, sqs] = [new DrsClient(), new DynamoDBClient(), new SNSClient(), new SQSClient()];
const result = { errors: [], messages: [] };

// Sends the command, which fails; notes the error and the number of times that the SDK sent it.
async function refused(client, command) {
  try {
    await client.send(command);
    result.errors.push({ name: "none" });
  } catch (error) {
    const { name, $metadata, CancellationReasons: reasons } = error;
    result.errors.push({ name, attempts: $metadata?.attempts, reasons: reasons?.map((one) => one.Code) });
  }
}

async function completed(jobID) {
  for (;;) {
    const { items } = await drs.send(new DescribeJobsCommand({ filters: { jobIDs: [jobID] } }));
    if (items[0].status === "COMPLETED") return items[0];
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function receive(QueueUrl) {
  const { Messages } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      WaitTimeSeconds: 20,
      MessageSystemAttributeNames: ["ApproximateReceiveCount", "SentTimestamp"],
    }),
  );
  const [{ Body, Attributes, ReceiptHandle }] = Messages;
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  result.messages.push({ body: Body, count: Attributes.ApproximateReceiveCount });
}

const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "javascript" }));
const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }));
const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: "javascript" }));
await sns.send(
  new SubscribeCommand({
    TopicArn,
    Protocol: "sqs",
    Endpoint: Attributes.QueueArn,
    Attributes: { RawMessageDelivery: "true" },
  }),
);
result.queueUrl = QueueUrl;
await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "direct" }));
await receive(QueueUrl);

const table = "javascript";
const key = [{ AttributeName: "Id", KeyType: "HASH" }];
const types = [{ AttributeName: "Id", AttributeType: "S" }];
await dynamodb.send(
  new CreateTableCommand({
    TableName: table,
    KeySchema: key,
    AttributeDefinitions: types,
    BillingMode: "PAY_PER_REQUEST",
  }),
);
const put = { TableName: table, Item: { Id: { S: "drill" } }, ConditionExpression: "attribute_not_exists(Id)" };
await dynamodb.send(new PutItemCommand(put));
await refused(dynamodb, new PutItemCommand(put));
await refused(dynamodb, new TransactWriteItemsCommand({ TransactItems: [{ Put: put }] }));

const { items: servers } = await drs.send(new DescribeSourceServersCommand({ filters: {} }));
const sourceServers = servers.slice(0, 2).map(({ sourceServerID }) => ({ sourceServerID }));
const { job } = await drs.send(new StartRecoveryCommand({ sourceServers, isDrill: true }));
await refused(drs, new StartRecoveryCommand({ sourceServers, isDrill: true }));
const done = await completed(job.jobID);
result.launched = done.participatingServers.map((one) => one.launchStatus);
await sns.send(new PublishCommand({ TopicArn, Message: `drill ${job.jobID} completed` }));
await receive(QueueUrl);
result.job = job.jobID;

const recoveryInstanceIDs = done.participatingServers.map((one) => one.recoveryInstanceID);
const { job: clean } = await drs.send(new TerminateRecoveryInstancesCommand({ recoveryInstanceIDs }));
await completed(clean.jobID);
const { items } = await drs.send(new DescribeRecoveryInstancesCommand({ filters: {} }));
result.left = items.length;
console.log(JSON.stringify(result));
