Feature: Errors and recovery from them
  In a disaster, launches fail, networks break and people change their decisions. Operators need an execution that stops
  in good order and reports each error with its place and AWS's own reason. QA needs to see that a failure stays limited:
  the waves that depend on it are skipped, and all others still come up.

  @AC-4.1 @moto
  Scenario: The record has DRS's own reason for each failed launch
    Given the "single-wave" plan
    And the launch of server "database-1" fails with "InsufficientInstanceCapacity: no r5.large in us-east-1a"
    And the launch of server "database-2" fails with "UnauthorizedOperation: kms:Decrypt on the volume key"
    When a drill of the plan is run
    Then the execution is FAILED
    And the error of server "database-1" names "InsufficientInstanceCapacity: no r5.large in us-east-1a"
    And the error of server "database-2" names "UnauthorizedOperation: kms:Decrypt on the volume key"
    And the record lists wave, server, job, message and time of the error of server "database-1"

  @AC-4.2 @moto
  Scenario: Waves that depend on a failed wave are skipped, directly and through others
    Given the "three-tier" plan
    And the launch of server "database-1" fails with "No capacity in the zone"
    When a drill of the plan is run
    Then the execution is FAILED
    And wave 2 is SKIPPED because of wave 1
    And wave 3 is SKIPPED because of wave 2
    And server "web-1" is SKIPPED
    And DRS launched only "database-1, database-2"

  @AC-4.2 @moto
  Scenario: A wave is skipped when the failed wave that it depends on is not the one before it
    Given the "shared-database" plan
    And the launch of server "database-1" fails with "No capacity in the zone"
    When a drill of the plan is run
    Then the execution is FAILED
    And wave 2 is SKIPPED because of wave 1
    And wave 3 is SKIPPED because of wave 1
    And server "web-1" is SKIPPED
    And DRS launched only "database-1, database-2"

  @AC-1.2 @AC-4.2 @moto
  Scenario: Waves that do not depend on a failed wave still run
    Given the "shared-database" plan
    And the launch of server "application-1" fails with "No capacity in the zone"
    When a drill of the plan is run
    Then wave 2 is FAILED
    And wave 3 is COMPLETED
    And server "web-1" is RECOVERED
    And the execution is FAILED

  @AC-4.3 @moto
  Scenario: An execution that exceeds the plan's time limit fails
    Given the "three-tier" plan
    And the plan has to be done within 5 minutes
    And server "application-1" takes 8 minutes to launch
    When a drill of the plan is run
    Then the execution is FAILED
    And the reason of the execution names "timed out"
    And the execution ended 5 minutes after it started
    And wave 1 is COMPLETED
    And no wave is PENDING or RUNNING
    And DRS launched no server of wave 3

  @AC-4.3 @moto
  Scenario: An execution whose state machine times out fails
    Given the "single-wave" plan
    And server "database-1" takes 8 minutes to launch
    And AWS times out the state machine after 5 minutes
    When a drill of the plan is run
    Then the execution is FAILED
    And the reason of the execution names "timed out"
    And the execution ended about 5 minutes after it started
    And no wave is PENDING or RUNNING
    And the history lists the execution for its plan and, by status, only as FAILED

  @AC-4.3 @moto
  Scenario: An execution whose state machine is stopped from outside fails
    Given the "single-wave" plan
    And server "database-1" takes 8 minutes to launch
    When a drill of the plan is started
    And 5 minutes pass
    And the state machine is stopped from outside
    And the execution ends
    Then the execution is FAILED
    And the reason of the execution names "from outside"
    And the execution ended about 5 minutes after it started
    And no wave is PENDING or RUNNING
    And the history lists the execution for its plan and, by status, only as FAILED

  @AC-4.4 @moto
  Scenario Outline: AWS loses <lost>, and the engine asks again after <pauses>
    Given the "single-wave" plan
    And AWS loses <lost>
    When a drill of the plan is run
    Then the execution is COMPLETED
    And <all> came <pauses> apart
    And DRS launched only "database-1, database-2"

    Examples:
      | lost                          | all                           | pauses             |
      | the first job query           | the first 2 job queries       | 2 seconds          |
      | the first 3 job queries       | the first 4 job queries       | 2, 4 and 8 seconds |
      | the first 3 recovery requests | the first 4 recovery requests | 2, 4 and 8 seconds |

  @AC-4.4 @moto
  Scenario: A connection that stays lost ends in a failure that names the operation
    Given the "three-tier" plan
    And AWS loses every recovery request
    When a drill of the plan is run
    Then the execution is FAILED
    And exactly 4 recovery requests were made
    And wave 1 is FAILED
    And the errors name "drs:StartRecovery"
    And the errors name "after 3 retries"
    And wave 2 is SKIPPED because of wave 1

  @AC-4.4 @moto
  Scenario: A drill waits for a server that another user's drill has launched
    Given the "single-wave" plan
    And another user's drill of server "database-1" is in progress
    When a drill of the plan is run
    Then the execution is COMPLETED
    And DRS launched only "database-1, database-2"

  @AC-4.4 @moto
  Scenario: A server in another user's job does not hold the other server of its wave
    Given the "single-wave" plan
    And server "database-1" takes 30 minutes to launch
    And another user's drill of server "database-1" is in progress
    When a drill of the plan is run
    Then the execution is COMPLETED
    And server "database-2" ended at most 2 minutes after wave 1 started
    And server "database-1" ended about 60 minutes after wave 1 started

  @AC-4.5 @moto
  Scenario: An execution that is cancelled before its first wave launches no server
    Given the "three-tier" plan
    And another user's drill of server "database-1" is in progress
    And another user's drill of server "database-2" is in progress
    When a drill of the plan is started
    And the execution is cancelled
    And the execution ends
    Then the execution is CANCELLED
    And the execution ended at most 60 seconds after it was cancelled
    And wave 2 is CANCELLED
    And wave 3 is CANCELLED
    And DRS launched no server

  @AC-4.5 @moto
  Scenario: An execution that is cancelled during a launch records the job and starts no other
    Given the "three-tier" plan
    When a drill of the plan is started
    And server "database-1" is IN_PROGRESS
    And 20 seconds pass
    And the execution is cancelled
    And the execution ends
    Then the execution is CANCELLED
    And the execution ended at most 60 seconds after it was cancelled
    And the recorded job of server "database-1" is the one that DRS ran for it
    And wave 2 is CANCELLED
    And DRS launched no server of wave 2

  @AC-4.5 @moto
  Scenario: An execution that is cancelled during a health check ends at once
    Given the "three-tier" plan
    And the instance of server "database-1" stays pending
    When a drill of the plan is started
    And server "database-1" is LAUNCHED
    And the execution is cancelled
    And the execution ends
    Then the execution is CANCELLED
    And the execution ended at most 60 seconds after it was cancelled
    And DRS launched no server of wave 2

  @AC-4.5 @moto
  Scenario: An execution that is cancelled during a long wait ends at once
    Given the "three-tier" plan
    And wave 1 is followed by a wait of 2 hours
    When a drill of the plan is started
    And wave 1 is COMPLETED
    And 10 minutes pass
    And the execution is cancelled
    And the execution ends
    Then the execution is CANCELLED
    And the execution ended at most 60 seconds after it was cancelled
    And wave 1 is COMPLETED
    And wave 2 is CANCELLED
    And DRS launched no server of wave 2

  @AC-4.5 @moto
  Scenario: A recovery does not wait for the clean-up of a cancelled drill
    Given the "single-wave" plan
    And every server takes 3 minutes to launch
    When a drill of the plan is started
    And server "database-1" is IN_PROGRESS
    And the execution is cancelled
    And the execution ends
    And a recovery of the plan is run
    Then the execution is COMPLETED
    And DRS still has the recovered instances of "database-1, database-2"

  @AC-4.5 @moto
  Scenario: A second cancellation changes nothing
    Given the "three-tier" plan
    When a drill of the plan is started
    And wave 1 is RUNNING
    And the execution is cancelled with the reason "the drill window is over"
    And the execution is cancelled with the reason "cancelled twice"
    And the execution ends
    Then the execution is CANCELLED
    And the reason of the execution names "the drill window is over"

  @AC-4.5 @moto
  Scenario: An execution that has ended cannot be cancelled
    Given the "single-wave" plan
    When a recovery of the plan is run
    And the execution is cancelled
    And 5 minutes pass
    Then the execution is COMPLETED
    And the cancellation is refused because the execution has ended

  @AC-4.5 @moto
  Scenario: The instances of a cancelled drill are terminated
    Given the "three-tier" plan
    When a drill of the plan is started
    And wave 1 is RUNNING
    And the execution is cancelled
    And the drill's clean-up ends
    Then the execution is CANCELLED
    And the clean-up is COMPLETED
    And the clean-up jobs in the record have terminated every instance of the execution
