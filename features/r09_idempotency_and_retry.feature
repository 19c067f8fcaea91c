Feature: Exactly once
  In a disaster everything is tried twice: by nervous people, by retrying functions, by networks that lose answers. A
  server that is launched twice costs money at best and data at worst. QA needs to see that every intent leads to one
  launch and one record, however often it is repeated, and that giving up is said clearly.

  @AC-9.1 @moto
  Scenario Outline: A function that fails <times> times is tried again after <pauses>
    Given the "single-wave" plan
    And the function fails the first <times> times that the state machine calls it
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the state machine tried the function again after pauses of <pauses>
    And "database-1, database-2" were launched once

    Examples:
      | times | pauses             |
      | 1     | 2 seconds          |
      | 2     | 2 and 4 seconds    |
      | 3     | 2, 4 and 8 seconds |

  @AC-9.2 @moto
  Scenario: A plan that runs already is not started again
    Given the "three-tier" plan
    When a drill of the plan is started
    And wave 1 is RUNNING
    And a drill of the plan is started again
    And the execution ends
    Then both starts have the same ExecutionId
    And one execution is on record
    And the execution is COMPLETED

  @AC-9.2 @moto
  Scenario: The same token means the same execution, even after its end
    Given the "single-wave" plan
    When a drill of the plan is started with the token "night-shift-1"
    And the execution ends
    And the drill's clean-up has ended
    And a drill of the plan is started with the token "night-shift-1"
    Then both starts have the same ExecutionId
    And one execution is on record
    And "database-1, database-2" were launched once

  @AC-9.2 @moto
  Scenario: Two starts at the same moment are one execution
    Given the "single-wave" plan
    When two operators start a drill of the plan at the same moment
    And the execution ends
    Then both starts have the same ExecutionId
    And one execution is on record
    And "database-1, database-2" were launched once

  @AC-9.2 @moto
  Scenario: A plan whose drill is still being cleaned up is not started again
    Given the "single-wave" plan
    When a drill of the plan is run
    And a drill of the plan is requested
    Then the start is refused
    And the refusal names "clean-up"

  @AC-9.3 @moto
  Scenario Outline: A recovery request whose answer <mishap> leads to one job, which is adopted
    Given the "single-wave" plan
    And <fault>
    When a drill of the plan is run
    Then the execution is COMPLETED
    And "database-1, database-2" were launched once
    And the recorded job of server "database-1" is the one that DRS ran for it

    Examples:
      | mishap                 | fault                                                                 |
      | is lost                | the answer to the first recovery request is lost                      |
      | dies with the function | the function dies right after the first recovery request takes effect |

  @AC-9.3 @moto
  Scenario: A function that dies before its request takes effect launches once
    Given the "single-wave" plan
    And the function dies before the first recovery request takes effect
    When a drill of the plan is run
    Then the execution is COMPLETED
    And "database-1, database-2" were launched once

  @AC-9.4 @moto
  Scenario Outline: A history write that <problem> is written again
    Given the "single-wave" plan
    And <fault>
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the state machine did not have to try the function again
    And the record has every field that its status requires

    Examples:
      | problem                      | fault                                                       |
      | is throttled three times     | AWS throttles 3 history writes after the first              |
      | meets a server error         | AWS fails 2 history writes after the first                  |
      | loses its connection         | the connection is lost for 2 history writes after the first |
      | took effect, its answer lost | the answer to the second history write is lost              |

  @AC-9.4 @moto
  Scenario: A history write that lost a race against a cancellation is written again
    Given the "three-tier" plan
    And AWS throttles the first 3 recovery requests
    When a drill of the plan is started
    And 4 seconds pass
    And the execution is cancelled
    And the execution ends
    Then the execution is CANCELLED
    And a history write of the engine had lost a race
    And the recorded job of server "database-1" is the one that DRS ran for it
    And the record has every field that its status requires

  @AC-9.5 @moto
  Scenario: A function that never works ends in a failure that says so
    Given the "single-wave" plan
    And server "database-1" takes 10 minutes to launch
    When a drill of the plan is started
    And wave 1 is RUNNING
    And the function stops working for 4 calls of the state machine
    And the execution ends
    Then the execution is FAILED
    And the reason of the execution says "Lambda function failed for good"
    And no wave is PENDING or RUNNING

  @AC-9.5 @moto
  Scenario: A death that the function cannot record is recorded when the function works again
    Given the "single-wave" plan
    And server "database-1" takes 50 minutes to launch
    When a drill of the plan is started
    And wave 1 is RUNNING
    And the function stops working for 24 calls of the state machine
    And the execution ends
    Then the execution is FAILED
    And the reason of the execution says "the state machine ended as FAILED"
    And no wave is PENDING or RUNNING

  @AC-9.5 @moto
  Scenario Outline: When <request> stay throttled the failure says so
    Given the "single-wave" plan
    And AWS throttles the first 8 <request>
    When a drill of the plan is run
    Then the execution is FAILED
    And exactly 4 <request> were made
    And the errors name "<operation>"
    And the errors name "ThrottlingException"

    Examples:
      | request           | operation         |
      | recovery requests | drs:StartRecovery |
      | job queries       | drs:DescribeJobs  |
