Feature: Exactly once
  In a disaster every request may be repeated: by operators, by retrying functions, by networks that lose answers. A server
  that is launched twice costs money at best and data at worst. QA needs to see that each intent leads to one launch and
  one record, however often it is repeated, and that the engine reports clearly when it gives up.

  @AC-9.1 @moto
  Scenario Outline: The function fails the <calls> of the state machine, which retries after <pauses>
    Given the "single-wave" plan
    And the function fails the <calls> of the state machine
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the state machine retried the function after <pauses>
    And DRS launched only "database-1, database-2"

    Examples:
      | calls        | pauses             |
      | next call    | 2 seconds          |
      | next 2 calls | 2 and 4 seconds    |
      | next 3 calls | 2, 4 and 8 seconds |

  @AC-9.2 @moto
  Scenario: A second start of a running plan returns the running execution
    Given the "three-tier" plan
    When a drill of the plan is started
    And wave 1 is RUNNING
    And a drill of the plan is started
    And the execution ends
    Then both starts led to one execution
    And the execution is COMPLETED

  @AC-9.2 @moto
  Scenario: The same token returns the same execution, even after its end
    Given the "single-wave" plan
    When a drill of the plan is started with the token "night-shift-1"
    And the execution ends
    And the drill's clean-up ends
    And a drill of the plan is started with the token "night-shift-1"
    Then both starts led to one execution
    And DRS launched only "database-1, database-2"

  @AC-9.2 @moto
  Scenario: Two starts at the same moment lead to one execution
    Given the "single-wave" plan
    When a drill of the plan and a drill of the plan are started at the same moment
    And the execution ends
    Then both starts led to one execution
    And DRS launched only "database-1, database-2"

  @AC-9.2 @moto
  Scenario: A plan is not started again during the clean-up of its drill
    Given the "single-wave" plan
    When a drill of the plan is run
    And a drill of the plan is started
    Then the start is refused
    And the refusal names "plan plan-single-wave: the drill clean-up of execution"
    And the refusal names "is not over yet"

  @AC-4.4 @AC-9.3 @moto
  Scenario: A recovery request whose answer is lost leads to one job, and the record has it
    Given the "single-wave" plan
    And AWS loses the answer to the first recovery request
    When a drill of the plan is run
    Then the execution is COMPLETED
    And DRS launched only "database-1, database-2"
    And the recorded job of server "database-1" is the one that DRS ran for it

  @AC-9.3 @moto
  Scenario Outline: A function that is killed <moment> its recovery request takes effect launches once
    Given the "single-wave" plan
    And AWS kills the function <moment> the first recovery request
    When a drill of the plan is run
    Then the execution is COMPLETED
    And DRS launched only "database-1, database-2"
    And the recorded job of server "database-1" is the one that DRS ran for it

    Examples:
      | moment |
      | before |
      | after  |

  @AC-9.4 @moto
  Scenario Outline: AWS <fault>, and the function writes the history again
    Given the "single-wave" plan
    And AWS <fault>
    When a drill of the plan is run
    Then the execution is COMPLETED
    And no function call of the state machine failed
    And the record has every field that its status requires, and no null

    Examples:
      | fault                                      |
      | throttles 3 history writes after the first |
      | fails 2 history writes after the first     |
      | loses 2 history writes after the first     |
      | loses the answer to the 2nd history write  |

  @AC-9.4 @moto
  Scenario: A history write that loses a race against a cancellation is repeated
    Given the "three-tier" plan
    And AWS throttles the first 3 recovery requests
    When a drill of the plan is started
    And 4 seconds pass
    And the execution is cancelled
    And the execution ends
    Then the execution is CANCELLED
    And a history write of the engine lost a race
    And the recorded job of server "database-1" is the one that DRS ran for it
    And the record has every field that its status requires, and no null

  @AC-9.5 @moto
  Scenario: A function that fails every retry ends in a failure that names it
    Given the "single-wave" plan
    And server "database-1" takes 10 minutes to launch
    When a drill of the plan is started
    And wave 1 is RUNNING
    And the function fails the next 4 calls of the state machine
    And the execution ends
    Then the execution is FAILED
    And the reason of the execution names "Lambda function failed for good"
    And no wave is PENDING or RUNNING

  @AC-9.5 @moto
  Scenario: A failure that the function cannot record is recorded when the function works again
    Given the "single-wave" plan
    And server "database-1" takes 50 minutes to launch
    When a drill of the plan is started
    And wave 1 is RUNNING
    And the function fails the next 24 calls of the state machine
    And the execution ends
    Then the execution is FAILED
    And the reason of the execution names "the state machine ended as FAILED"
    And no wave is PENDING or RUNNING

  @AC-9.5 @moto
  Scenario Outline: AWS throttles all retries of <requests>, and the failure names <operation>
    Given the "single-wave" plan
    And AWS throttles the first 8 <requests>
    When a drill of the plan is run
    Then the execution is FAILED
    And exactly 4 <requests> were made
    And the errors name "<operation>"
    And the errors name "ThrottlingException"

    Examples:
      | requests          | operation         |
      | recovery requests | drs:StartRecovery |
      | job queries       | drs:DescribeJobs  |

  # A pause of more than a minute is a wait of the state machine, not of the function.
  @AC-9.5 @moto
  Scenario: AWS asks for a long pause before each retry, and the engine gives up after the last one
    Given the "single-wave" plan
    And AWS throttles the first 8 recovery requests and asks for a pause of 70 seconds
    When a drill of the plan is run
    Then the execution is FAILED
    And exactly 4 recovery requests were made
    And the errors name "drs:StartRecovery"
    And the errors name "ThrottlingException"
