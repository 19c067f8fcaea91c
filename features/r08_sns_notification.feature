Feature: Notifications
  Operators do not watch a console during a disaster. They need one message at the end that gives the result and, after a
  failure, the affected servers. A notification must never change the result. QA reads the messages as a subscriber does,
  from a queue that is subscribed to the topic.

  @AC-8.1 @AC-8.5 @moto @aws @costs-instances
  Scenario: A successful execution sends one message with a summary
    Given the "single-wave" plan
    And a subscriber to the plan's topic
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the subscriber received 1 message
    And the message has ExecutionId, PlanId, Status, Duration and ServerCount of the record
    And the message has no errors

  @AC-8.2 @AC-8.5 @moto
  Scenario: A failed execution sends one message with its errors and the affected servers
    Given the "three-tier" plan
    And a subscriber to the plan's topic
    And the launch of server "application-1" fails with "InsufficientInstanceCapacity: no r5.large"
    When a drill of the plan is run
    Then the execution is FAILED
    And the subscriber received 1 message
    And the message has ExecutionId, PlanId, Status, Duration and ServerCount of the record
    And the message names the affected servers "application-1"
    And the errors in the message name "InsufficientInstanceCapacity: no r5.large"

  @AC-8.2 @moto
  Scenario: A message that would be too large for SNS leaves errors out, but no server
    Given a plan that recovers 150 servers in 1 wave
    And a subscriber to the plan's topic
    And every launch fails with a reason of 4000 characters
    When a drill of the plan is run
    Then the execution is FAILED
    And the subscriber received 1 message
    And the message names all 150 affected servers
    And the message counts the errors that it leaves out

  @AC-8.4 @moto
  Scenario Outline: AWS <fault> the notification, and the result stays the same
    Given the "single-wave" plan
    And a subscriber to the plan's topic
    And AWS <fault> every notification
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the subscriber received no message
    And the engine's log names "The notification could not be published"
    And the record has every field that its status requires, and no null

    Examples:
      | fault     |
      | denies    |
      | throttles |

  @AC-8.4 @moto
  Scenario: The topic does not exist any more, and the result stays the same
    Given the "single-wave" plan
    And a subscriber to the plan's topic
    And the plan's topic does not exist any more
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the engine's log names "The notification could not be published"

  @AC-8.5 @moto
  Scenario: A cancelled execution sends one message with a summary
    Given the "three-tier" plan
    And a subscriber to the plan's topic
    When a drill of the plan is started
    And wave 2 is RUNNING
    And the execution is cancelled
    And the execution ends
    Then the execution is CANCELLED
    And the subscriber received 1 message
    And the message has ExecutionId, PlanId, Status, Duration and ServerCount of the record
