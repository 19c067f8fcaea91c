Feature: DRS integration
  The engine is only as good as what it asks of DRS and how it reads the answers. DRS has words of its own: it
  calls a job COMPLETED even when no server came up. QA needs to see that the right servers are launched from the right
  point in time, never for real in a drill, and that busy or surprising answers do not end in a wrong verdict.

  @AC-2.1 @moto
  Scenario: A pinned server is launched from its snapshot, the others from the latest data
    Given the "pinned-snapshots" plan
    And the plan's snapshot of server "database-1" is 6 hours old
    When a drill of the plan is run
    Then the execution is COMPLETED
    And DRS was asked to launch these servers
      | server     | snapshot              |
      | database-1 | pit-0a1b2c3d4e5f60718 |
      | database-2 | latest data           |
    And server "database-1" was recovered as of the moment of that snapshot

  @AC-2.1 @moto @aws @costs-instances
  Scenario: DRS is asked for the servers of the plan and for no other
    Given the "three-waves" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And DRS was asked to launch these servers
      | server        | snapshot    |
      | database-1    | latest data |
      | database-2    | latest data |
      | application-1 | latest data |
      | application-2 | latest data |
      | web-1         | latest data |
      | web-2         | latest data |

  @AC-2.2 @moto @aws @costs-instances
  Scenario: A drill is announced to DRS as a drill
    Given the "three-waves" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And every recovery request said that it is a drill
    And DRS ran every recovery job as a drill

  @AC-2.2 @moto
  Scenario: A recovery is announced to DRS as a recovery
    Given the "three-waves" plan
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And every recovery request said that it is no drill
    And DRS ran every recovery job as a recovery
    And DRS keeps every launched instance as a recovery instance

  @AC-2.2 @moto
  Scenario: A drill of a server that is in use after a recovery is refused
    Given the "three-waves" plan
    And somebody else has recovered server "web-1" for real
    When a drill of the plan is started
    Then the start is refused
    And the refusal names "would replace its recovery instance"
    And nothing was recorded or launched
    And the recovery of server "web-1" is still there

  @AC-2.2 @moto
  Scenario: A drill leaves alone what is recovered for real while it runs
    Given the "three-waves" plan
    And somebody else recovers server "web-1" for real at the same time
    When a drill of the plan is run
    Then the execution is FAILED
    And wave 2 is COMPLETED
    And server "web-2" is RECOVERED
    And the error of server "web-1" says "was recovered for real"
    And the recovery of server "web-1" is still there

  @AC-2.3 @moto
  Scenario Outline: A job that DRS calls <word> is <status> in the record
    Given the "single-wave" plan
    And DRS keeps calling the job of server "database-1" <word>
    When a drill of the plan is started
    And 10 minutes pass
    Then the job of server "database-1" is <status> in the record
    And server "database-1" is <server>
    And wave 1 is RUNNING

    Examples:
      | word    | status      | server      |
      | PENDING | PENDING     | IN_PROGRESS |
      | STARTED | IN_PROGRESS | IN_PROGRESS |

  @AC-2.3 @moto @aws @costs-instances
  Scenario: A job that DRS calls COMPLETED, with every server launched, is COMPLETED
    Given the "single-wave" plan
    And DRS takes its usual time
    When a drill of the plan is run
    Then DRS calls every recovery job COMPLETED
    And the job of server "database-1" is COMPLETED in the record
    And server "database-1" is RECOVERED
    And the engine asked DRS about the job of server "database-1" until it had ended

  @AC-2.3 @moto
  Scenario: A job that DRS calls COMPLETED although a server failed is a failure
    Given the "single-wave" plan
    # An engine that missed the failure would wait for the instance as long as the plan lets it.
    And the plan has to be done within 20 minutes
    And the launch of server "database-2" fails with "No capacity in the zone"
    When a drill of the plan is run
    Then DRS calls every recovery job COMPLETED
    And the job of server "database-2" is FAILED in the record
    And server "database-2" is FAILED
    And the job of server "database-1" is COMPLETED in the record
    And the execution is FAILED

  @AC-2.3 @moto
  Scenario: A job word that DRS does not document stops the wave
    Given the "three-tier" plan
    And DRS keeps calling the job of server "database-1" HIBERNATING
    When a drill of the plan is run
    Then the execution is FAILED
    And wave 1 is FAILED
    And the errors name "HIBERNATING"
    And no server of wave 2 was launched

  @AC-2.3 @moto
  Scenario: All jobs in flight are asked about in one request
    Given a plan that recovers 101 servers in one wave without a health check
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And every job query asked about all 2 jobs in flight

  @AC-2.4 @moto
  Scenario Outline: <throttled> throttled <request> is asked again after <pauses>
    Given the "single-wave" plan
    And AWS throttles the first <throttled> <request>
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the first <asked> <request> came <pauses> apart
    And "database-1, database-2" were launched once

    Examples:
      | throttled | request           | asked | pauses             |
      | 1         | recovery requests | 2     | 2 seconds          |
      | 2         | recovery requests | 3     | 2 and 4 seconds    |
      | 3         | recovery requests | 4     | 2, 4 and 8 seconds |
      | 3         | job queries       | 4     | 2, 4 and 8 seconds |

  @AC-2.4 @moto
  Scenario: There is no fourth retry
    Given the "single-wave" plan
    And AWS throttles every recovery request
    When a drill of the plan is run
    Then the execution is FAILED
    And exactly 4 recovery requests were made
    And the errors name "ThrottlingException"
    And server "database-1" was not launched

  @AC-2.4 @moto
  Scenario: A longer pause that DRS asks for is respected, and no Lambda sleeps through it
    Given the "single-wave" plan
    And AWS throttles the first recovery request and asks for a pause of 70 seconds
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the second recovery request came at least 70 seconds after the first
    And no function ran longer than 30 seconds

  @AC-2.5 @moto @aws
  Scenario: A plan with a server that DRS does not know is refused, and the server is named
    Given the bad plan "unknown-server-id"
    When a drill of the plan is requested
    Then the start is refused
    And the refusal names "s-00000000000000000"
    And the refusal does not name "s-3d75cdc0d9a28a725"
    And nothing was recorded or launched

  @AC-2.5 @moto
  Scenario: A server that disappears from DRS while the plan runs fails its wave by name
    Given the "three-tier" plan
    When a drill of the plan is started
    And wave 1 is RUNNING
    And server "application-1" disappears from DRS
    And the execution ends
    Then the execution is FAILED
    And wave 1 is COMPLETED
    And wave 2 is FAILED
    And the errors name "s-3c1730a9e0771ea14"
    And wave 3 is SKIPPED because of wave 2
