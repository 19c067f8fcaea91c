Feature: Health checks after recovery
  DRS has finished when an instance is launched; whether the instance runs is another question. Operators must not build
  the next tier on a machine that never came up. QA needs to see when and how often the engine checks an instance, when
  it stops, and that a plan without health checks causes none.

  @AC-3.1 @AC-3.2 @moto @aws @costs-instances
  Scenario: A server is recovered when a check after its job finds its instance running
    Given the "single-wave" plan
    When a recovery of the plan is run
    Then server "database-1" is RECOVERED
    And server "database-2" is RECOVERED
    And the first health check of server "database-1" came after its job had completed
    And the first health check of server "database-2" came after its job had completed
    And the instance of server "database-1" runs
    And wave 1 is COMPLETED

  @AC-3.1 @moto
  Scenario: Health checks concern the instances of the plan only, running or not
    Given the "single-wave" plan
    And the instance of server "database-1" takes 1 minute to boot
    When a drill of the plan is run
    Then only the instances of "database-1, database-2" were checked
    And every health check included instances that do not run

  @AC-3.2 @moto
  Scenario: A server is not recovered before its instance runs
    Given the "single-wave" plan
    And the instance of server "database-1" stays pending
    When a drill of the plan is started
    And server "database-2" is RECOVERED
    Then server "database-1" is LAUNCHED
    And wave 1 is RUNNING

  @AC-3.3 @moto
  Scenario Outline: An instance that boots for <boot> is checked <checks> times, 30 seconds apart
    Given the "single-wave" plan
    And the instance of server "database-1" takes <boot> to boot
    When a drill of the plan is run
    Then server "database-1" is RECOVERED
    And the instance of server "database-1" was checked <checks> times
    And the health checks of server "database-1" came 30 seconds apart

    Examples:
      | boot        | checks |
      | 20 seconds  | 2      |
      | 105 seconds | 5      |
      | 290 seconds | 11     |

  @AC-3.4 @moto
  Scenario: A server whose instance does not run within 5 minutes fails
    Given the "three-tier" plan
    And the instance of server "database-1" stays pending
    When a drill of the plan is run
    Then server "database-1" is FAILED
    And the error of server "database-1" names "pending"
    And the instance of server "database-1" was checked 11 times
    And the last health check of server "database-1" came 300 seconds after the first
    And wave 1 is FAILED
    And DRS launched no server of wave 2

  @AC-3.4 @moto
  Scenario: A server whose instance runs only after the last check fails
    Given the "single-wave" plan
    And the instance of server "database-1" takes 315 seconds to boot
    When a drill of the plan is run
    Then server "database-1" is FAILED
    And the instance of server "database-1" was checked 11 times

  @AC-3.4 @AC-4.1 @moto
  Scenario Outline: A server whose instance is <state> fails at once, and the error names the state
    Given the "single-wave" plan
    And the instance of server "database-1" is <state> after 50 seconds of booting
    When a drill of the plan is run
    Then the execution is FAILED
    And server "database-1" is FAILED
    And the error of server "database-1" names "<state>"
    And the error of server "database-1" does not name "launch settings"
    And the instance of server "database-1" was checked 3 times
    And server "database-2" is RECOVERED

    Examples:
      | state      |
      | stopped    |
      | terminated |

  @AC-3.5 @moto @aws @costs-instances
  Scenario: A plan without health checks causes none
    Given the "no-health-check" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And exactly 0 health checks were made
    And wave 2 started immediately after wave 1 ended

  @AC-3.5 @moto
  Scenario: Without health checks an instance that never runs delays nothing
    Given the "no-health-check" plan
    And the instance of server "database-1" stays pending
    When a drill of the plan is run
    Then the execution is COMPLETED
    And server "database-1" is RECOVERED
    And exactly 0 health checks were made

  @AC-3.5 @moto
  Scenario: Health checks are disabled for one wave only
    Given the "three-tier" plan
    And wave 1 has no health check
    When a drill of the plan is run
    Then the execution is COMPLETED
    And only the instances of "application-1, application-2, web-1, web-2" were checked
