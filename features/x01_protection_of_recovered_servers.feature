Feature: Protection of recovered servers
  When DRS launches a server again, it terminates the server's recovery instance first. After a real recovery that instance
  is production: a second launch destroys all data written since the failover. Operators need to see that a repeated
  recovery leaves recovered servers alone, and that the engine replaces an instance only after they have named it.

  @EX-1.1 @moto
  Scenario: A second recovery of a plan is refused with the servers, their instances and the ways to continue
    Given the "single-wave" plan
    When a recovery of the plan is run
    And a recovery of the plan is started
    Then the start is refused
    And the refusal names host name, id and instance of server "database-1"
    And the refusal names host name, id and instance of server "database-2"
    And the refusal names "plan plan-single-wave: 2 of its servers run from an earlier recovery"
    And the refusal names "Recovered by execution"
    And the refusal does not name "which still runs"
    And the refusal does not name "more"
    And the refusal names "python -m engine start plan-single-wave --recovery --existing keep"
    And the refusal names "python -m engine start plan-single-wave --recovery --existing replace=SERVER"
    And DRS launched only "database-1, database-2"
    And DRS still has the recovered instances of "database-1, database-2"

  @EX-1.1 @moto
  Scenario: Another plan over recovered servers is refused, and the refusal names only these servers
    Given the "single-wave" plan
    When a recovery of the plan is run
    And a recovery of the "three-tier" plan is started
    Then the start is refused
    And the refusal names host name, id and instance of server "database-1"
    And the refusal names host name, id and instance of server "database-2"
    And the refusal does not name "application-1"
    And DRS launched only "database-1, database-2"
    And DRS still has the recovered instances of "database-1, database-2"

  @EX-1.1 @moto
  Scenario: A recovery of a server that another user has recovered is refused
    Given the "three-waves" plan
    And another user's recovery of server "web-1" has ended
    When a recovery of the plan is started
    Then the start is refused
    And the refusal names host name, id and instance of server "web-1"
    And no execution was recorded and no server was launched
    And DRS still has the recovered instances of "web-1"

  @EX-1.2 @moto
  Scenario: A kept server is adopted and health-checked, and only the other servers are launched
    Given the "three-waves" plan
    And another user's recovery of server "web-1" has ended
    When a recovery of the plan is run with existing instances kept
    Then the execution is COMPLETED
    And server "web-1" is adopted, not launched
    And server "web-1" is RECOVERED
    And DRS launched only "database-1, database-2, application-1, application-2, web-2"
    And only the instances of "database-1, database-2, application-1, application-2, web-1, web-2" were checked
    And DRS still has the recovered instances of "database-1, database-2, application-1, application-2, web-1, web-2"

  @EX-1.2 @moto
  Scenario: A larger plan adopts the servers that a smaller plan has recovered
    Given the "single-wave" plan
    When a recovery of the plan is run
    And a recovery of the "three-tier" plan is run with existing instances kept
    Then the execution is COMPLETED
    And server "database-1" is adopted, not launched
    And server "database-2" is adopted, not launched
    And 6 servers are RECOVERED
    # Each server once: the second execution launched neither database server.
    And DRS launched only "database-1, database-2, application-1, application-2, web-1, web-2"

  @EX-1.2 @moto
  Scenario: A kept server that is not healthy fails and is not replaced
    Given the "single-wave" plan
    And the instance of server "database-1" is stopped after 50 seconds of booting
    And another user's recovery of server "database-1" has ended
    When a recovery of the plan is run with existing instances kept
    Then the execution is FAILED
    And server "database-1" is adopted, not launched
    And server "database-1" is FAILED
    And the error of server "database-1" names "stopped"
    And server "database-2" is RECOVERED
    And DRS launched only "database-2"

  @EX-1.3 @moto
  Scenario: A confirmed replacement launches the named server again and keeps the other one
    Given the "single-wave" plan
    And another user's recovery of server "database-1" has ended
    And another user's recovery of server "database-2" has ended
    When a recovery of the plan is run with the instances of "database-1" replaced
    Then the execution is COMPLETED
    And DRS launched only "database-1"
    And server "database-1" is RECOVERED
    And server "database-2" is adopted, not launched
    And DRS still has the recovered instances of "database-1, database-2"

  @EX-1.3 @moto
  Scenario: The replacement of an instance that is not the server's own is refused
    Given the "single-wave" plan
    And another user's recovery of server "database-1" has ended
    When a recovery of the plan is run with instance "i-0123456789abcdef0" of server "database-1" replaced
    Then the start is refused
    And the refusal names "the confirmed instance is i-0123456789abcdef0"
    And the refusal names host name, id and instance of server "database-1"
    And no execution was recorded and no server was launched
    And DRS still has the recovered instances of "database-1"

  @EX-1.4 @moto
  Scenario: A server that another user recovers before its wave starts is adopted with a warning
    Given the "three-waves" plan
    And another user's recovery of server "web-1" is in progress
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And server "web-1" is adopted, not launched
    And server "web-1" is RECOVERED
    And the warning of server "web-1" names "appeared after this execution started"
    And DRS launched only "database-1, database-2, application-1, application-2, web-2"

  @EX-1.4 @moto
  Scenario: A launch that waits for another user's recovery adopts the instance instead of replacing it
    Given the "single-wave" plan
    And another user's recovery of server "database-1" is in progress
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And server "database-1" is adopted, not launched
    And server "database-1" is RECOVERED
    And the warning of server "database-1" names "it was adopted and not replaced"
    And DRS launched only "database-2"

  @EX-1.5 @moto
  Scenario: A recovered instance that another user's recovery replaces fails the execution at its end
    Given the "three-waves" plan
    When a recovery of the plan is started
    And wave 1 is COMPLETED
    And another user's recovery of server "database-1" replaces its instance
    And the execution ends
    Then the execution is FAILED
    And the execution has lost the instance of server "database-1"
    And the reason of the execution names "instances lost after their recovery: 1 of 6"
    And server "database-1" is RECOVERED
    And wave 1 is COMPLETED
    And DRS launched only "database-1, database-2, application-1, application-2, web-1, web-2"

  @EX-1.5 @moto
  Scenario: A recovered instance that a person terminates fails the execution, with and without health check
    Given the "three-waves" plan
    And wave 2 has no health check
    When a recovery of the plan is started
    And wave 2 is COMPLETED
    And the instance of server "database-2" becomes terminated
    And the instance of server "application-1" becomes terminated
    And the execution ends
    Then the execution is FAILED
    And the execution has lost the instance of server "database-2"
    And the execution has lost the instance of server "application-1"
    And server "web-1" is RECOVERED

  @EX-1.5 @moto
  Scenario: A recovered instance that a person stops is a warning
    Given the "three-waves" plan
    When a recovery of the plan is started
    And wave 1 is COMPLETED
    And the instance of server "database-2" becomes stopped
    And the execution ends
    Then the execution is COMPLETED
    And the warning of server "database-2" names "is stopped at the end of the execution"
    And server "database-2" is RECOVERED

  @EX-1.5 @moto
  Scenario: An instance of a drill that another user's drill replaces is a warning
    Given the "three-waves" plan
    When a drill of the plan is started
    And wave 1 is COMPLETED
    And another user's drill of server "database-1" replaces its instance
    And the execution ends
    Then the execution is COMPLETED
    And the warning of server "database-1" names "is terminated at the end of the execution"
