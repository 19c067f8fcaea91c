Feature: Execution history
  After a disaster, and after every drill, auditors ask which servers were recovered, when, by which caller, and which
  errors occurred. The history has to answer from the first second, during an execution and after it, without gaps and
  without empty fields. QA reads it as an auditor would: through the history, and against DRS's own records.

  @AC-5.1 @moto @aws @costs-instances
  Scenario: An execution is recorded and listed from its first second
    Given the "three-tier" plan
    When a drill of the plan is started
    Then the record names the execution, its plan, its caller and the status RUNNING
    And the record's StartTime is the start of the state machine
    And the record has no EndTime
    And every wave is PENDING or RUNNING
    And the history lists the execution for its plan and, by status, only as RUNNING

  @AC-5.2 @moto
  Scenario: A completed wave is on record while the next one runs
    Given the "three-tier" plan
    When a drill of the plan is started
    And wave 2 is RUNNING
    Then wave 1 is COMPLETED
    And the record has start, end and server results of wave 1
    And wave 2 is RUNNING
    And wave 3 is PENDING
    And the record has no EndTime

  @AC-5.2 @moto
  Scenario: A failed wave is on record while the next one runs
    Given the "independent" plan
    And the launch of server "database-1" fails with "No capacity in the zone"
    When a drill of the plan is started
    And wave 2 is RUNNING
    Then wave 1 is FAILED
    And the record has start, end and server results of wave 1

  @AC-5.2 @moto
  Scenario: The record has the servers that a group has selected by their tags
    Given the "single-wave" plan
    And the servers have these tags in DRS
      | server        | Tier     | System  |
      | web-1         | database | billing |
      | database-2    | database | archive |
      | database-1    | database | billing |
      | application-1 | database |         |
    And the group of wave 1 selects the servers with these tags
      | Tier     | System  |
      | database | billing |
    When a drill of the plan is run
    Then the execution is COMPLETED
    And one recovery job launched "database-1, web-1"
    And the record of wave 1 has the servers "database-1, web-1", and the tags that selected them

  @AC-5.3 @AC-8.3 @moto @aws @costs-instances
  Scenario: A successful execution is closed as COMPLETED, without a notification if its plan has no topic
    Given the "single-wave" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the execution ended immediately after wave 1 ended
    And the record's DurationSeconds is the time from StartTime to EndTime
    And the history lists the execution for its plan and, by status, only as COMPLETED
    And exactly 0 notifications were made

  @AC-5.3 @moto
  Scenario: A failed execution is closed as FAILED
    Given the "single-wave" plan
    And the launch of server "database-1" fails with "No capacity in the zone"
    When a drill of the plan is run
    Then the execution is FAILED
    And the execution ended immediately after wave 1 ended
    And the record's DurationSeconds is the time from StartTime to EndTime
    And the history lists the execution for its plan and, by status, only as FAILED

  @AC-5.4 @moto
  Scenario: A failed server is on record with its error and its DRS job
    Given the "single-wave" plan
    And the launch of server "database-1" fails with "InsufficientInstanceCapacity: no r5.large in us-east-1a"
    When a drill of the plan is run
    Then server "database-1" is FAILED
    And the error of server "database-1" names "InsufficientInstanceCapacity: no r5.large in us-east-1a"
    And the recorded job of server "database-1" is the one that DRS ran for it
    And the record lists wave, server, job, message and time of the error of server "database-1"
    And server "database-2" has no error

  @AC-5.5 @moto
  Scenario Outline: The record of a <status> execution is complete
    Given the "three-tier" plan
    And <circumstance>
    When a drill of the plan is run
    Then the execution is <status>
    And the record has every field that its status requires, and no null

    Examples:
      | status    | circumstance                                           |
      | COMPLETED | server "web-1" takes 12 minutes to launch              |
      | FAILED    | the launch of server "application-2" fails with "Disk" |

  @AC-5.5 @moto
  Scenario: The record of a cancelled execution is complete
    Given the "three-tier" plan
    When a drill of the plan is started
    And wave 2 is RUNNING
    And the execution is cancelled
    And the execution ends
    Then the execution is CANCELLED
    And the record has every field that its status requires, and no null

  @AC-5.5 @AC-12.4 @moto
  Scenario: The record is complete at every moment, with field names in PascalCase
    Given the "three-tier" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And every version of the record that was read has every field that its status requires, and no null
    And every saved field name is in PascalCase

  @AC-5.5 @moto
  Scenario: The history is read page by page, newest first
    Given the "single-wave" plan
    When 3 drills of the plan are run one after the other
    Then the history of the plan shows all 3, newest first, on pages of 2
    And the history of COMPLETED executions shows all 3, newest first, on pages of 2
