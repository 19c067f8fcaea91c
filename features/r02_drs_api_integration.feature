Feature: DRS integration
  The engine depends on its requests to DRS and on its reading of the answers. DRS has statuses of its own: it calls a
  job COMPLETED even when none of its servers came up. QA needs to see that the right servers are launched from the right
  point in time, that a drill never replaces a real recovery, and that busy or unexpected answers do not lead to a wrong
  result.

  @AC-2.1 @moto
  Scenario: A server with a snapshot in the plan is launched from it, the others from the latest data
    Given the "pinned-snapshots" plan
    And the plan's snapshot of server "database-1" is 6 hours old
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the recovery requests named these servers
      | server     | snapshot              |
      | database-1 | pit-0a1b2c3d4e5f60718 |
      | database-2 | latest data           |
    And the recovered data of server "database-1" was 6 hours old at the start

  @AC-2.1 @moto
  Scenario: Each server of a wave is launched from its own snapshot
    Given the "all-pinned" plan
    And the plan's snapshot of server "database-1" is 6 hours old
    And the plan's snapshot of server "database-2" is 2 hours old
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the recovery requests named these servers
      | server     | snapshot              |
      | database-1 | pit-0a1b2c3d4e5f60718 |
      | database-2 | pit-18071f6e5d4c3b2a0 |
    And the recovered data of server "database-1" was 6 hours old at the start
    And the recovered data of server "database-2" was 2 hours old at the start

  @AC-2.2 @moto
  Scenario: A recovery runs in DRS as a recovery, and its instances stay
    Given the "three-waves" plan
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And every server was launched as a recovery
    And DRS still has the recovered instances of "database-1, database-2, application-1, application-2, web-1, web-2"

  @AC-2.2 @moto
  Scenario: A drill of a server in real recovery is refused
    Given the "three-waves" plan
    And another user's recovery of server "web-1" has ended
    When a drill of the plan is started
    Then the start is refused
    And the refusal names "would replace its recovery instance"
    And no execution was recorded and no server was launched
    And DRS still has the recovered instances of "web-1"

  @AC-2.2 @moto
  Scenario: A running drill does not touch a server that is recovered meanwhile
    Given the "three-waves" plan
    And another user's recovery of server "web-1" is in progress
    When a drill of the plan is run
    Then the execution is FAILED
    And wave 2 is COMPLETED
    And server "web-2" is RECOVERED
    And the error of server "web-1" names "was recovered for real"
    And DRS still has the recovered instances of "web-1"

  @AC-2.3 @moto
  Scenario Outline: A job that is <word> in DRS is <status> in the record
    Given the "single-wave" plan
    And the job of server "database-1" is <word> for 12 minutes
    When a drill of the plan is started
    And 10 minutes pass
    Then the job of server "database-1" is <status> in the record
    And server "database-1" is IN_PROGRESS
    And wave 1 is RUNNING

    Examples:
      | word    | status      |
      | PENDING | PENDING     |
      | STARTED | IN_PROGRESS |

  @AC-2.3 @moto @aws @costs-instances
  Scenario: A job that is COMPLETED in DRS, with every server launched, is COMPLETED in the record
    Given the "single-wave" plan
    And DRS takes its usual time
    When a drill of the plan is run
    Then the job of server "database-1" is COMPLETED in DRS
    And the job of server "database-1" is COMPLETED in the record
    And server "database-1" is RECOVERED
    And the engine queried the job of server "database-1" until it had ended

  @AC-2.3 @moto
  Scenario Outline: A server whose launch settings name <setting> is launched
    # DRS launches with the engine's rights: each setting needs one of its own.
    Given the "single-wave" plan
    And the launch settings of server "database-1" name <setting>
    When a drill of the plan is run
    Then the job of server "database-1" is COMPLETED in the record
    And server "database-1" is RECOVERED

    Examples:
      | setting                          |
      | a key pair                       |
      | an instance profile              |
      | a placement group                |
      | a capacity reservation           |
      | a group of capacity reservations |
      | a license configuration          |
      | a second network interface       |
      | a customer's encryption key      |

  @AC-2.3 @moto
  Scenario: A server that failed in a COMPLETED job of DRS counts as failed
    Given the "single-wave" plan
    # An engine that missed the failure would wait for the instance as long as the plan lets it.
    And the plan has to be done within 20 minutes
    And the launch of server "database-2" fails with "No capacity in the zone"
    When a drill of the plan is run
    Then the job of server "database-2" is COMPLETED in DRS
    And the job of server "database-2" is FAILED in the record
    And server "database-2" is FAILED
    And the job of server "database-1" is COMPLETED in the record
    And the execution is FAILED

  @AC-2.3 @moto
  Scenario: A server whose instance was terminated before its job ended counts as failed
    # Without a health check, the job alone tells what became of a server.
    Given the "no-health-check" plan
    And the job of server "database-2" ends with the launch status TERMINATED
    When a drill of the plan is run
    Then the job of server "database-2" is COMPLETED in DRS
    And the job of server "database-2" is FAILED in the record
    And server "database-2" is FAILED
    And server "database-1" is RECOVERED
    And wave 2 is SKIPPED because of wave 1
    And the execution is FAILED

  @AC-2.3 @moto
  Scenario: An undocumented job status of DRS stops the wave
    Given the "three-tier" plan
    And the job of server "database-1" is HIBERNATING for 12 minutes
    When a drill of the plan is run
    Then the execution is FAILED
    And wave 1 is FAILED
    And the errors name "HIBERNATING"
    And DRS launched no server of wave 2

  @AC-2.4 @moto
  Scenario Outline: AWS throttles <throttled>, and the engine asks again after <pauses>
    Given the "single-wave" plan
    And AWS throttles <throttled>
    When a drill of the plan is run
    Then the execution is COMPLETED
    And <all> came <pauses> apart
    And DRS launched only "database-1, database-2"

    Examples:
      | throttled                     | all                           | pauses             |
      | the first recovery request    | the first 2 recovery requests | 2 seconds          |
      | the first 2 recovery requests | the first 3 recovery requests | 2 and 4 seconds    |
      | the first 3 recovery requests | the first 4 recovery requests | 2, 4 and 8 seconds |
      | the first 3 job queries       | the first 4 job queries       | 2, 4 and 8 seconds |

  @AC-2.4 @moto
  Scenario: The engine does not retry a fourth time
    Given the "single-wave" plan
    And AWS throttles every recovery request
    When a drill of the plan is run
    Then the execution is FAILED
    And exactly 4 recovery requests were made
    And the errors name "ThrottlingException"
    And DRS launched no server

  @AC-2.4 @moto
  Scenario: The engine respects a longer pause that DRS asks for, and no Lambda function runs meanwhile
    Given the "single-wave" plan
    And AWS throttles the first recovery request and asks for a pause of 70 seconds
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the first 2 recovery requests came at least 70 seconds apart
    And no function ran longer than 30 seconds

  @AC-2.5 @AC-12.3 @moto @aws
  Scenario: A plan with an unknown server is refused, and the refusal names the server
    Given the bad plan "unknown-server-id"
    When a drill of the plan is started
    Then the start is refused
    And the refusal names "s-00000000000000000"
    And the refusal does not name "s-3d75cdc0d9a28a725"
    And no execution was recorded and no server was launched

  @AC-2.5 @moto
  Scenario: A server that disappears from DRS during the execution fails its wave, and the error names it
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
