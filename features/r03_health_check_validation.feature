Feature: Health checks after recovery
  DRS has done its part when an instance is launched; whether it runs is another question. Operators must not build the
  next tier on a machine that never came up. QA needs to see when the engine looks, how often, when it stops looking,
  and that a plan without health checks does not look at all.

  @AC-3.1 @moto @aws @costs-instances
  Scenario: Every recovered instance is looked at, after its job has completed
    Given the "single-wave" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the instance of server "database-1" was looked at only after its job had completed
    And the instance of server "database-2" was looked at only after its job had completed

  @AC-3.1 @moto
  Scenario: Only the instances of the plan are looked at, those that do not run included
    Given the "single-wave" plan
    And the instance of server "database-1" takes 1 minute to boot
    When a drill of the plan is run
    Then the looks were at the instances of "database-1, database-2" and at no other
    And every look asked for instances that do not run, too

  @AC-3.2 @moto @aws @costs-instances
  Scenario: A server whose instance runs is recovered
    Given the "single-wave" plan
    When a recovery of the plan is run
    Then server "database-1" is RECOVERED
    And server "database-2" is RECOVERED
    And the recorded instance of server "database-1" is running in EC2
    And wave 1 is COMPLETED

  @AC-3.2 @moto
  Scenario: A server is not recovered before its instance runs
    Given the "single-wave" plan
    And the instance of server "database-1" never gets beyond pending
    When a drill of the plan is started
    And server "database-2" is RECOVERED
    Then server "database-1" is LAUNCHED
    And wave 1 is RUNNING

  @AC-3.3 @moto
  Scenario Outline: An instance that needs <boot> to run is looked at <looks> times, 30 seconds apart
    Given the "single-wave" plan
    And the instance of server "database-1" takes <boot> to boot
    When a drill of the plan is run
    Then server "database-1" is RECOVERED
    And the instance of server "database-1" was looked at <looks> times
    And the looks at the instance of server "database-1" came 30 seconds apart

    Examples:
      | boot        | looks |
      | 20 seconds  | 2     |
      | 105 seconds | 5     |
      | 290 seconds | 11    |

  @AC-3.4 @moto
  Scenario: An instance that never runs fails its server after 5 minutes
    Given the "three-tier" plan
    And the instance of server "database-1" never gets beyond pending
    When a drill of the plan is run
    Then server "database-1" is FAILED
    And the error of server "database-1" says "pending"
    And the instance of server "database-1" was looked at 11 times
    And the last look at the instance of server "database-1" came 300 seconds after the first
    And wave 1 is FAILED
    And no server of wave 2 was launched

  @AC-3.4 @moto
  Scenario: An instance that runs only after the last look has failed
    Given the "single-wave" plan
    And the instance of server "database-1" takes 315 seconds to boot
    When a drill of the plan is run
    Then server "database-1" is FAILED
    And the instance of server "database-1" was looked at 11 times

  @AC-3.4 @moto
  Scenario Outline: An instance that ends up <state> has failed at once
    Given the "single-wave" plan
    And the instance of server "database-1" is <state> after 50 seconds of booting
    When a drill of the plan is run
    Then server "database-1" is FAILED
    And the error of server "database-1" says "<state>"
    And the instance of server "database-1" was looked at 3 times
    And server "database-2" is RECOVERED
    And the execution is FAILED

    Examples:
      | state      |
      | stopped    |
      | terminated |

  @AC-3.5 @moto @aws @costs-instances
  Scenario: Without health checks no instance is looked at
    Given the "no-health-check" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And no instance was looked at
    And wave 2 started as soon as wave 1 had ended

  @AC-3.5 @moto
  Scenario: Without health checks an instance that never runs holds nobody up
    Given the "no-health-check" plan
    And the instance of server "database-1" never gets beyond pending
    When a drill of the plan is run
    Then the execution is COMPLETED
    And server "database-1" is RECOVERED
    And no instance was looked at

  @AC-3.5 @moto
  Scenario: Health checks are switched off for one wave only
    Given the "three-tier" plan
    And wave 1 has no health check
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the looks were at the instances of "application-1, application-2, web-1, web-2" and at no other
