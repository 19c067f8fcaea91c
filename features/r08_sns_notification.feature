Feature: Notifications
  Nobody watches a console during a disaster. Stakeholders want one message at the end that says what happened, and for
  a failure what has to be looked after. Telling people must never change the result. QA reads the messages as a
  subscriber does, from a queue that is subscribed to the topic.

  @AC-8.1 @moto @aws @costs-instances
  Scenario: A successful execution is told once, with a summary
    Given the "single-wave" plan
    And a subscriber to the plan's topic
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the subscriber got 1 message
    And the message says that the execution is COMPLETED
    And the message has no errors

  @AC-8.2 @moto
  Scenario: A failed execution is told with its errors and the affected servers
    Given the "three-tier" plan
    And a subscriber to the plan's topic
    And the launch of server "application-1" fails with "InsufficientInstanceCapacity: no r5.large"
    When a drill of the plan is run
    Then the execution is FAILED
    And the subscriber got 1 message
    And the message says that the execution is FAILED
    And the message names the affected servers "application-1"
    And the errors in the message name "InsufficientInstanceCapacity: no r5.large"

  @AC-8.2 @moto
  Scenario: A message that would be too large for SNS is shortened, not lost
    Given a plan that recovers 150 servers in one wave without a health check
    And a subscriber to the plan's topic
    And every launch fails with a reason of 4000 characters
    When a drill of the plan is run
    Then the execution is FAILED
    And the subscriber got 1 message
    And the message names all 150 affected servers
    And the message says how many errors it left out

  @AC-8.3 @moto @aws @costs-instances
  Scenario: Without a topic nothing is told and nothing fails
    Given the "single-wave" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And exactly 0 notifications were made

  @AC-8.4 @moto
  Scenario Outline: A notification that <problem> does not change the result, and is logged
    Given the "single-wave" plan
    And a subscriber to the plan's topic
    And AWS <fault> every notification
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the subscriber got 0 messages
    And the engine's log says "The notification could not be published"
    And no field of the record is null

    Examples:
      | problem      | fault     |
      | is denied    | denies    |
      | is throttled | throttles |

  @AC-8.4 @moto
  Scenario: A topic that is gone does not change the result, and is logged
    Given the "single-wave" plan
    And a subscriber to the plan's topic
    And the plan's topic is gone
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the engine's log says "The notification could not be published"

  @AC-8.5 @moto @aws @costs-instances
  Scenario: The message has what people ask for first
    Given the "three-waves" plan
    And a subscriber to the plan's topic
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the message has ExecutionId, PlanId, Status, Duration and ServerCount of the record

  @AC-8.5 @moto
  Scenario: A cancelled execution is told in the same way
    Given the "three-tier" plan
    And a subscriber to the plan's topic
    And an operator cancels the execution while wave 2 runs
    When a drill of the plan is run
    Then the execution is CANCELLED
    And the subscriber got 1 message
    And the message has ExecutionId, PlanId, Status, Duration and ServerCount of the record
