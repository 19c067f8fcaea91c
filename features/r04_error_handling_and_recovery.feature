Feature: Errors and recovery from them
  On the worst day of the year launches fail, networks break and people change their minds. Operators need a run that
  stops in good order and says what went wrong, where, and why in AWS's own words. QA needs to see that a failure stays
  where it belongs: what depends on it is skipped, everything else still comes up.

  @AC-4.1 @moto
  Scenario: DRS's own reason for a failed launch is in the history
    Given the "single-wave" plan
    And the launch of server "database-1" fails with "InsufficientInstanceCapacity: no r5.large in us-east-1a"
    And the launch of server "database-2" fails with "UnauthorizedOperation: kms:Decrypt on the volume key"
    When a drill of the plan is run
    Then the execution is FAILED
    And the error of server "database-1" says "InsufficientInstanceCapacity: no r5.large in us-east-1a"
    And the error of server "database-2" says "UnauthorizedOperation: kms:Decrypt on the volume key"
    And the errors tell wave, server, job, message and time of server "database-1"

  @AC-4.1 @moto
  Scenario: An instance that dies after its launch is in the history with its last state
    Given the "single-wave" plan
    And the instance of server "database-1" is terminated after 50 seconds of booting
    When a drill of the plan is run
    Then the execution is FAILED
    And the error of server "database-1" says "terminated"

  @AC-4.2 @moto
  Scenario: Waves that depend on a failed wave are skipped, directly and through others
    Given the "three-tier" plan
    And the launch of server "database-1" fails with "No capacity in the zone"
    When a drill of the plan is run
    Then the execution is FAILED
    And wave 2 is SKIPPED because of wave 1
    And wave 3 is SKIPPED because of wave 2
    And server "web-1" is SKIPPED
    And "database-1, database-2" were launched once

  @AC-4.2 @moto
  Scenario: Waves that do not depend on a failed wave still run
    Given the "shared-database" plan
    And the launch of server "application-1" fails with "No capacity in the zone"
    When a drill of the plan is run
    Then wave 2 is FAILED
    And wave 3 is COMPLETED
    And server "web-1" is RECOVERED
    And the execution is FAILED

  @AC-4.3 @moto
  Scenario: An execution that is not done within the plan's time has failed
    Given the "three-tier" plan
    And the plan has to be done within 5 minutes
    And server "application-1" takes 8 minutes to launch
    When a drill of the plan is run
    Then the execution is FAILED
    And the reason of the execution says "timed out"
    And the execution ended 5 minutes after its start
    And wave 1 is COMPLETED
    And no wave is PENDING or RUNNING
    And no server of wave 3 was launched

  @AC-4.3 @moto
  Scenario Outline: A state machine that <ends> closes its record
    Given the "single-wave" plan
    And server "database-1" takes 8 minutes to launch
    And the state machine <fate> after 5 minutes
    When a drill of the plan is run
    Then the execution is FAILED
    And the reason of the execution says "<reason>"
    And the execution took about 5 minutes
    And no wave is PENDING or RUNNING
    And the execution is not listed under RUNNING

    Examples:
      | ends                    | fate                        | reason       |
      | exceeds Step Functions' | is timed out by AWS         | timed out    |
      | is stopped from outside | is stopped by somebody else | from outside |

  @AC-4.4 @moto
  Scenario Outline: A connection to DRS that is lost <times> times is tried again after <pauses>
    Given the "single-wave" plan
    And the connection is lost for the first <times> <request>
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the first <asked> <request> came <pauses> apart
    And "database-1, database-2" were launched once

    Examples:
      | times | request           | asked | pauses             |
      | 1     | job queries       | 2     | 2 seconds          |
      | 3     | job queries       | 4     | 2, 4 and 8 seconds |
      | 3     | recovery requests | 4     | 2, 4 and 8 seconds |

  @AC-4.4 @moto
  Scenario: A connection to DRS that stays lost ends in a clear failure
    Given the "three-tier" plan
    And the connection is lost for every recovery request
    When a drill of the plan is run
    Then the execution is FAILED
    And exactly 4 recovery requests were made
    And wave 1 is FAILED
    And the errors name "drs:StartRecovery"
    And the errors name "after 3 retries"
    And wave 2 is SKIPPED because of wave 1

  @AC-4.4 @moto
  Scenario: A connection that breaks while DRS answers does not launch anything twice
    Given the "single-wave" plan
    And the answer to the first recovery request is lost
    When a drill of the plan is run
    Then the execution is COMPLETED
    And "database-1, database-2" were launched once

  @AC-4.4 @moto
  Scenario: A server that somebody else recovers at the moment is waited for
    Given the "single-wave" plan
    And somebody else recovers server "database-1" at the same time
    When a drill of the plan is run
    Then the execution is COMPLETED
    And "database-1, database-2" were launched once

  @AC-4.5 @moto
  Scenario: An execution that is cancelled before its first wave launches nothing
    Given the "three-tier" plan
    And somebody else recovers server "database-1" at the same time
    When a drill of the plan is started
    And the execution is cancelled
    And the execution ends
    Then the execution is CANCELLED
    And the execution ended within 60 seconds of the cancellation
    And wave 2 is CANCELLED
    And wave 3 is CANCELLED
    And server "database-1" was not launched
    And server "web-1" was not launched

  @AC-4.5 @moto
  Scenario: An execution that is cancelled during a launch keeps the job on record and starts nothing new
    Given the "three-tier" plan
    When a drill of the plan is started
    And server "database-1" is IN_PROGRESS
    And 20 seconds pass
    And the execution is cancelled
    And the execution ends
    Then the execution is CANCELLED
    And the execution ended within 60 seconds of the cancellation
    And the recorded job of server "database-1" is the one that DRS ran for it
    And wave 2 is CANCELLED
    And no server of wave 2 was launched

  @AC-4.5 @moto
  Scenario: An execution that is cancelled during a health check stops looking
    Given the "three-tier" plan
    And the instance of server "database-1" never gets beyond pending
    When a drill of the plan is started
    And server "database-1" is LAUNCHED
    And the execution is cancelled
    And the execution ends
    Then the execution is CANCELLED
    And the execution ended within 60 seconds of the cancellation
    And no server of wave 2 was launched

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
    And the execution ended within 60 seconds of the cancellation
    And wave 1 is COMPLETED
    And wave 2 is CANCELLED
    And no server of wave 2 was launched

  @AC-4.5 @moto
  Scenario: A recovery need not wait until a cancelled drill is cleaned up
    Given the "single-wave" plan
    And every launch takes 3 minutes
    When a drill of the plan is started
    And server "database-1" is IN_PROGRESS
    And the execution is cancelled
    And the execution ends
    And a recovery of the plan is run
    Then the execution is COMPLETED
    And the recovery of server "database-1" is still there
    And the recovery of server "database-2" is still there

  @AC-4.5 @moto
  Scenario: To cancel twice is to cancel once
    Given the "three-tier" plan
    When a drill of the plan is started
    And wave 1 is RUNNING
    And the execution is cancelled
    And the execution is cancelled
    And the execution ends
    Then the execution is CANCELLED
    And the reason of the execution says "the drill window is over"

  @AC-4.5 @moto
  Scenario: An execution that is over cannot be cancelled any more
    Given the "single-wave" plan
    When a recovery of the plan is run
    And the execution is cancelled
    And 5 minutes pass
    Then the execution is COMPLETED
    And the engine said that it is over already

  @AC-4.5 @moto
  Scenario: What a cancelled drill launched is terminated, and nothing else
    Given the "three-tier" plan
    When a drill of the plan is started
    And wave 1 is RUNNING
    And the execution is cancelled
    And the drill's clean-up has ended
    Then the execution is CANCELLED
    And the clean-up is COMPLETED
    And no instance of the execution is left
