Feature: Approval and pause
  Some waves are a point of no return: a person decides about them with the state of the recovery before their eyes. An
  incident manager needs to see that no server of such a wave is launched before the decision, that the record tells who
  decided and when, and that an execution that waits for a decision ends like any other.

  @EX-5.1 @moto
  Scenario: No server is launched while its wave waits for approval
    Given the "three-waves" plan
    And wave 2 needs an approval within 2 hours
    When a drill of the plan is started
    And wave 2 waits for approval
    And 30 minutes pass
    Then the execution is RUNNING
    And wave 2 is PENDING
    And DRS launched only "database-1, database-2"

  @EX-5.1 @moto
  Scenario: An approved wave starts, and the record has who approved it and when
    Given the "three-waves" plan
    And wave 2 needs an approval within 2 hours
    When a drill of the plan is started
    And wave 2 waits for approval
    And 10 minutes pass
    And wave 2 is approved with the comment "database checked"
    And the execution ends
    Then the execution is COMPLETED
    And the record has the decision about wave 2: APPROVED, caller, time and "database checked"
    And wave 2 started within a minute after the decision
    And the log of the approvals names "database checked"

  @EX-5.1 @moto
  Scenario Outline: A wave waits for approval although AWS <fault> the message that asks for it
    Given the "three-waves" plan
    And a subscriber to the plan's topic
    And wave 2 needs an approval within 2 hours
    And AWS <fault> the first notification
    When a drill of the plan is started
    And wave 2 waits for approval
    And 10 minutes pass
    And wave 2 is approved with the comment "database checked"
    And the execution ends
    Then the execution is COMPLETED
    And the record has the decision about wave 2: APPROVED, caller, time and "database checked"
    And wave 2 started within a minute after the decision

    Examples:
      | fault                     |
      | kills the function before |
      | kills the function after  |
      | denies                    |

  @EX-5.2 @moto
  Scenario: A rejected wave is FAILED, and the waves that depend on it are SKIPPED
    Given the "three-waves" plan
    And wave 2 needs an approval within 2 hours
    When a recovery of the plan is started
    And wave 2 waits for approval
    And wave 2 is rejected with the comment "database is corrupt"
    And the execution ends
    Then the execution is FAILED
    And wave 2 is FAILED
    And server "application-1" is SKIPPED
    And wave 3 is SKIPPED because of wave 2
    And DRS launched only "database-1, database-2"
    And the errors name "database is corrupt"
    And the record has the decision about wave 2: REJECTED, caller, time and "database is corrupt"
    And the record has every field that its status requires, and no null

  @EX-5.2 @moto
  Scenario: A wave that is not approved in time is FAILED, and the waves that depend on it are SKIPPED
    Given the "three-waves" plan
    And wave 2 needs an approval within 30 minutes
    When a recovery of the plan is run
    Then the execution is FAILED
    And wave 2 is FAILED
    And wave 3 is SKIPPED because of wave 2
    And DRS launched only "database-1, database-2"
    And the errors name "not approved within 1800 seconds"
    And wave 2 ended 30 minutes after it began to wait

  @EX-5.2 @moto
  Scenario: The first decision counts
    Given the "three-waves" plan
    And wave 2 needs an approval within 2 hours
    When a drill of the plan is started
    And wave 2 waits for approval
    And wave 2 is approved with the comment "go"
    And wave 2 is rejected with the comment "stop"
    And the execution ends
    Then the refusal of the decision names "wave 2 (Application) was already APPROVED by"
    And the execution is COMPLETED

  @EX-5.1 @moto
  Scenario: A wave cannot be approved before it waits
    Given the "three-waves" plan
    And wave 2 needs an approval within 2 hours
    When a drill of the plan is started
    And wave 1 is RUNNING
    And wave 2 is approved with the comment "go"
    And wave 2 waits for approval
    And 10 minutes pass
    Then the refusal of the decision names "wave 2 (Application) does not wait for an approval; no wave does"
    And wave 2 is PENDING

  @EX-5.3 @moto
  Scenario: A paused execution ends its wave and starts no other
    Given the "three-waves" plan
    When a drill of the plan is started
    And wave 1 is RUNNING
    And the execution is paused
    And 1 hour pass
    Then the execution is RUNNING
    And wave 1 is COMPLETED
    And wave 2 is PENDING
    And DRS launched only "database-1, database-2"
    And the record names who paused the execution

  @EX-5.3 @moto
  Scenario: A continued execution starts its next wave
    Given the "three-waves" plan
    When a drill of the plan is started
    And wave 1 is RUNNING
    And the execution is paused
    And 1 hour pass
    And the execution is continued
    And the execution ends
    Then the execution is COMPLETED
    And the record has the end of the pause, and wave 2 started within a minute after it

  @EX-5.4 @moto
  Scenario: The message names execution, wave and the command that approves
    Given the "three-waves" plan
    And a subscriber to the plan's topic
    And wave 2 needs an approval within 2 hours
    When a drill of the plan is started
    And wave 2 waits for approval
    Then the message asks for the approval of wave 2

  @EX-5.4 @moto
  Scenario: The command in the message approves the wave
    Given the "three-waves" plan
    And a subscriber to the plan's topic
    And wave 2 needs an approval within 2 hours
    When a drill of the plan is started
    And wave 2 waits for approval
    And an operator runs the approving command of the message
    And the execution ends
    Then the execution is COMPLETED
    And the messages are about APPROVAL, END

  @EX-5.4 @moto
  Scenario: A plan announces the moments that it names
    Given the "three-waves" plan
    And a subscriber to the plan's topic
    And wave 3 needs an approval within 2 hours
    And the plan announces START, WAVE
    When a drill of the plan is started
    And wave 3 waits for approval
    And wave 3 is approved with the comment "go"
    And the execution ends
    Then the messages are about START, WAVE, WAVE, APPROVAL, WAVE

  @EX-5.5 @moto
  Scenario: An execution that waits for approval is cancelled
    Given the "three-waves" plan
    And wave 2 needs an approval within 2 hours
    When a drill of the plan is started
    And wave 2 waits for approval
    And the execution is cancelled
    And the drill's clean-up ends
    Then the execution is CANCELLED
    And the execution ended at most 1 minute after it was cancelled
    And wave 2 is CANCELLED
    And wave 3 is CANCELLED
    And DRS launched only "database-1, database-2"

  @EX-5.5 @moto
  Scenario: An execution that waits for approval times out
    Given the "three-waves" plan
    And the plan has to be done within 1 hour
    And wave 2 needs an approval within 2 hours
    When a recovery of the plan is run
    Then the execution is FAILED
    And the execution ended 1 hour after it started
    And wave 2 is SKIPPED
    And the errors name "the execution timed out"
    And DRS launched only "database-1, database-2"

  @EX-5.5 @moto
  Scenario: A paused execution is cancelled
    Given the "three-waves" plan
    When a recovery of the plan is started
    And wave 1 is RUNNING
    And the execution is paused
    And wave 1 is COMPLETED
    And the execution is cancelled
    And the execution ends
    Then the execution is CANCELLED
    And the execution ended at most 1 minute after it was cancelled
    And DRS launched only "database-1, database-2"

  @EX-5.5 @moto
  Scenario: The state machine of an execution that waits for approval is stopped from outside
    Given the "three-waves" plan
    And wave 2 needs an approval within 2 hours
    When a drill of the plan is started
    And wave 2 waits for approval
    And the state machine is stopped from outside
    And the drill's clean-up ends
    Then the execution is FAILED
    And wave 2 is SKIPPED
    And DRS launched only "database-1, database-2"
