Feature: Resuming a failed recovery
  A recovery of many servers seldom fails as a whole: a few servers fail, the others run. Operators need to see that the
  rest comes up where the recovery stopped, that recovered servers stay untouched, and that a server which the business
  can do without holds up no other server.

  @EX-4.1 @moto
  Scenario: A resumed recovery launches the servers that are not recovered and no other
    Given the "three-waves" plan
    And the launch of server "application-1" fails with "no capacity in this Availability Zone"
    When a recovery of the plan is run
    And server "application-1" can be launched again
    And the recovery is resumed as it is
    Then the execution is COMPLETED
    And the resumption launched only "application-1, web-1, web-2"
    And wave 1 was carried over
    And server "application-2" is adopted, not launched
    And wave 3 started at most 1 minute after wave 2 ended
    And 6 servers are RECOVERED
    And both executions name each other

  @EX-4.1 @moto
  Scenario: A server of a COMPLETED wave whose instance is lost is launched again
    Given the "three-waves" plan
    And the launch of server "web-1" fails with "no capacity in this Availability Zone"
    When a recovery of the plan is run
    And server "web-1" can be launched again
    And the instance of server "database-1" becomes terminated
    And the recovery is resumed as it is
    Then the execution is COMPLETED
    And the resumption launched only "database-1, web-1"
    And wave 2 was carried over
    And server "database-2" is adopted, not launched

  @EX-4.1 @moto
  Scenario: A recovery that is COMPLETED is not resumed
    Given the "single-wave" plan
    When a recovery of the plan is run
    And the recovery is resumed as it is
    Then the start is refused
    And the refusal names "is COMPLETED: there is nothing to resume"

  @EX-4.2 @moto
  Scenario: A skipped wave lets the waves run that depend on it
    Given the "three-waves" plan
    And the launch of server "application-1" fails with "no capacity in this Availability Zone"
    And the launch of server "application-2" fails with "no capacity in this Availability Zone"
    When a recovery of the plan is run
    And the recovery is resumed without wave 2
    Then the execution is COMPLETED
    And wave 2 was skipped by the operator, and the warnings say so
    And the resumption launched only "web-1, web-2"
    And wave 1 was carried over

  @EX-4.2 @moto
  Scenario: A skipped server fails no wave, and the waves run that depend on its wave
    Given the "three-waves" plan
    And the launch of server "application-1" fails with "no capacity in this Availability Zone"
    When a recovery of the plan is run
    And the recovery is resumed without server "application-1"
    Then the execution is COMPLETED
    And server "application-1" was skipped by the operator, and the warnings say so
    And the resumption launched only "web-1, web-2"
    And wave 2 is COMPLETED
    And 5 servers are RECOVERED

  @EX-4.2 @moto
  Scenario: A resumption without a server that is RECOVERED is refused
    Given the "three-waves" plan
    And the launch of server "application-1" fails with "no capacity in this Availability Zone"
    When a recovery of the plan is run
    And the recovery is resumed without server "database-1"
    Then the start is refused
    And the refusal names "cannot be skipped: it is RECOVERED"
    And the refusal names "database-1"
    And DRS still has the recovered instances of "database-1, database-2, application-2"

  @EX-4.2 @moto
  Scenario Outline: A resumption without <wave> is refused, because the wave <problem>
    Given the "three-waves" plan
    And the launch of server "application-1" fails with "no capacity in this Availability Zone"
    When a recovery of the plan is run
    And the recovery is resumed without <wave>
    Then the start is refused
    And the refusal names "cannot be skipped: <problem>"
    And the refusal does not name "wave 2"
    And DRS launched only "database-1, database-2, application-1, application-2"

    Examples:
      | wave   | problem               |
      | wave 1 | it is COMPLETED       |
      | wave 7 | there is no such wave |

  @EX-4.3 @moto
  Scenario: A wave completes without its optional server, and a warning names the server
    Given the "three-waves" plan
    And server "application-1" is optional
    And the launch of server "application-1" fails with "no capacity in this Availability Zone"
    And a subscriber to the plan's topic
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And wave 2 is COMPLETED
    And wave 3 is COMPLETED
    And server "application-1" is FAILED
    And the warning of server "application-1" names "no capacity in this Availability Zone"
    And the record counts 1 of 1 optional servers as not recovered
    And the message counts 1 of 1 optional servers as not recovered
    And the message has no errors

  @EX-4.3 @moto
  Scenario: A failed optional server does not stop a SEQUENTIAL wave
    Given the "sequential" plan
    And server "web-2" is optional
    And the launch of server "web-2" fails with "no capacity in this Availability Zone"
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And the warning of server "web-2" names "no capacity in this Availability Zone"
    And server "web-1" is RECOVERED

  @EX-4.3 @moto
  Scenario: A server that is not optional fails its wave beside an optional one
    Given the "three-waves" plan
    And server "application-1" is optional
    And the launch of server "application-1" fails with "no capacity in this Availability Zone"
    And the launch of server "application-2" fails with "no boot volume"
    When a recovery of the plan is run
    Then the execution is FAILED
    And wave 2 is FAILED
    And the errors name "no boot volume"
    And the warning of server "application-1" names "no capacity in this Availability Zone"

  @EX-4.3 @moto
  Scenario: An optional server that no wave recovers is refused
    Given the "single-wave" plan
    And server "web-1" is optional
    When a recovery of the plan is started
    Then the start is refused
    And the refusal names "is not recovered by any wave of the plan"
    And no execution was recorded and no server was launched

  @EX-4.4 @moto
  Scenario: A server is launched from the snapshot that the resumption names
    Given the "three-waves" plan
    And the launch of server "application-1" fails with "the snapshot is damaged"
    When a recovery of the plan is run
    And server "application-1" can be launched again
    And the recovery is resumed with another snapshot of server "application-1"
    Then the execution is COMPLETED
    And server "application-1" was launched from the other snapshot
    And the resumption launched only "application-1, web-1, web-2"

  @EX-4.4 @moto
  Scenario: A snapshot for a server whose instance is kept is refused with the way on
    Given the "three-waves" plan
    And the launch of server "application-1" fails with "the snapshot is damaged"
    When a recovery of the plan is run
    And the recovery is resumed with another snapshot of server "database-1"
    Then the start is refused
    And the refusal names host name, id and instance of server "database-1"
    And the refusal names "to launch it again, add --existing replace=s-3d75cdc0d9a28a725"
    And DRS launched only "database-1, database-2, application-1, application-2"

  @EX-4.5 @moto
  Scenario: A resumption over changed waves is refused with the difference and the way on
    Given the "three-waves" plan
    And the launch of server "application-1" fails with "no capacity in this Availability Zone"
    When a recovery of the plan is run
    And the loaded plan lets wave 3 depend on no wave
    And the recovery is resumed as it is
    Then the start is refused
    And the refusal names "it depended on wave 2, depends on no wave"
    And the refusal names "--recovery --existing keep"
    And DRS launched only "database-1, database-2, application-1, application-2"
