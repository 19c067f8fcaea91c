Feature: Resuming a failed recovery
  A recovery of many servers seldom fails as a whole: a few servers fail, the others run. Operators need to see that the
  rest comes up where the recovery stopped, that recovered servers stay untouched, and that a server which the business
  can do without holds up no other server.

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
