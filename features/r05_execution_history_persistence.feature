Feature: Execution history
  After a disaster, and after every drill, auditors ask what was recovered, when, by whom, and what went wrong. The
  history has to answer from the first second, while an execution runs and after it ended, without gaps and without
  empty fields. QA reads it as an auditor would: through the history, and against what DRS itself remembers.

  @AC-5.1 @moto @aws @costs-instances
  Scenario: An execution is on record from its first second
    Given the "three-tier" plan
    When a drill of the plan is started
    Then the record names the execution, the plan, who started it and that it is RUNNING
    And the record's StartTime is the moment the execution was started
    And the record has no EndTime
    And every wave is PENDING or RUNNING

  @AC-5.1 @moto
  Scenario: A running execution is found by its plan and by its status
    Given the "three-tier" plan
    When a drill of the plan is started
    Then the execution is listed for its plan
    And the execution is listed under RUNNING

  @AC-5.2 @moto
  Scenario: A wave that has ended is on record while the next one runs
    Given the "three-tier" plan
    When a drill of the plan is started
    And wave 2 is RUNNING
    Then wave 1 is COMPLETED
    And the record tells when wave 1 started and ended, and how each of its servers fared
    And wave 2 is RUNNING
    And wave 3 is PENDING
    And the record has no EndTime

  @AC-5.2 @moto
  Scenario: A failed wave is on record with its servers while the others run
    Given the "independent" plan
    And the launch of server "database-1" fails with "No capacity in the zone"
    When a drill of the plan is started
    And wave 2 is RUNNING
    Then wave 1 is FAILED
    And the record tells when wave 1 started and ended, and how each of its servers fared

  @AC-5.3 @moto @aws @costs-instances
  Scenario: A successful execution is closed as COMPLETED
    Given the "single-wave" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the record's EndTime is the moment the last wave had ended
    And the record's duration is the time from start to end
    And the execution is listed under COMPLETED
    And the execution is not listed under RUNNING

  @AC-5.3 @moto
  Scenario: A failed execution is closed as FAILED
    Given the "single-wave" plan
    And the launch of server "database-1" fails with "No capacity in the zone"
    When a drill of the plan is run
    Then the execution is FAILED
    And the record's EndTime is the moment the last wave had ended
    And the record's duration is the time from start to end
    And the execution is listed under FAILED
    And the execution is not listed under RUNNING

  @AC-5.4 @moto
  Scenario: A failed server is on record with its error and its DRS job
    Given the "single-wave" plan
    And the launch of server "database-1" fails with "InsufficientInstanceCapacity: no r5.large in us-east-1a"
    When a drill of the plan is run
    Then server "database-1" is FAILED
    And the error of server "database-1" says "InsufficientInstanceCapacity: no r5.large in us-east-1a"
    And the recorded job of server "database-1" is the one that DRS ran for it
    And the errors tell wave, server, job, message and time of server "database-1"
    And server "database-2" has no error

  @AC-5.5 @moto
  Scenario Outline: The record of a <status> execution is complete and well formed
    Given the "three-tier" plan
    And <circumstance>
    When a drill of the plan is run
    Then the execution is <status>
    And the record has every field that its status requires
    And no field of the record is null

    Examples:
      | status    | circumstance                                           |
      | COMPLETED | server "web-1" takes 12 minutes to launch              |
      | FAILED    | the launch of server "application-2" fails with "Disk" |
      | CANCELLED | an operator cancels the execution while wave 2 runs    |

  @AC-5.5 @moto
  Scenario: The record of a running execution is complete and well formed at every moment
    Given the "three-tier" plan
    When a drill of the plan is run
    Then every record read on the way had every field that its status requires

  @AC-5.5 @moto
  Scenario: The history is read page by page, newest first
    Given the "single-wave" plan
    When 3 drills of the plan are run one after the other
    Then the history of the plan shows all 3, newest first, on pages of 2
    And the history of COMPLETED executions shows all 3, newest first, on pages of 2
