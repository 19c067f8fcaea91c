Feature: Wave orchestration
  Operators recover a business in waves: first what others build on, then what builds on it. An application
  that comes up before its database is broken, and users find out first. QA needs to see that waves keep their order,
  wait for each other and pause as planned, and that servers of a wave start together or one by one, as the plan says.

  @AC-1.1 @moto @aws @costs-instances
  Scenario: Three waves run one after the other
    Given the "three-waves" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the waves were launched in the order 1, 2, 3
    And each wave started only after the wave before it had ended

  @AC-1.1 @moto
  Scenario: The wave numbers decide the order, not their place in the plan
    Given the "three-waves" plan
    And the plan lists its waves in the order 3, 1, 2
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the waves were launched in the order 1, 2, 3

  @AC-1.2 @moto @aws @costs-instances
  Scenario: A wave waits for the wave it depends on
    Given the "three-tier" plan
    When a drill of the plan is started
    And wave 1 is RUNNING
    Then no server of wave 2 was launched
    And no server of wave 3 was launched

  @AC-1.2 @moto
  Scenario: A wave waits for the slowest server of the wave it depends on
    Given the "three-tier" plan
    And server "database-2" takes 20 minutes to launch
    When a drill of the plan is started
    And wave 2 is RUNNING
    Then wave 1 is COMPLETED
    And every server of wave 1 is launched and its instance runs

  @AC-1.2 @moto
  Scenario: A launched server is not enough, it has to be healthy
    Given the "three-tier" plan
    And the instance of server "database-2" takes 4 minutes to boot
    When a drill of the plan is started
    And wave 2 is RUNNING
    Then wave 1 is COMPLETED
    And every server of wave 1 is launched and its instance runs

  @AC-1.2 @moto
  Scenario: A wave that names no dependency depends on the wave before it
    Given the "three-waves" plan
    And the launch of server "database-1" fails with "No capacity in the zone"
    When a drill of the plan is run
    Then the execution is FAILED
    And wave 2 is SKIPPED because of wave 1
    And no server of wave 2 was launched

  @AC-1.2 @moto
  Scenario: A wave depends on the waves it names, not on the one before it
    Given the "shared-database" plan
    And the launch of server "application-1" fails with "No capacity in the zone"
    When a drill of the plan is run
    Then wave 2 is FAILED
    And wave 3 is COMPLETED
    And the execution is FAILED

  @AC-1.3 @moto
  Scenario Outline: The plan pauses for <wait> after a wave
    Given the "three-tier" plan
    And wave 1 is followed by a wait of <wait>
    When a drill of the plan is run
    Then the execution is COMPLETED
    And wave 2 started <wait> after wave 1 had ended
    And wave 3 started as soon as wave 2 had ended

    Examples:
      | wait       |
      | 1 second   |
      | 90 seconds |
      | 20 minutes |

  @AC-1.3 @moto @aws @costs-instances
  Scenario: The wait stands in the plan
    Given the "waiting" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And wave 2 started 90 seconds after wave 1 had ended

  @AC-1.3 @moto
  Scenario: A wait after the last wave delays nothing
    Given the "single-wave" plan
    And wave 1 is followed by a wait of 10 minutes
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the execution ended as soon as wave 1 had ended

  @AC-1.3 @moto
  Scenario: A failed wave is not followed by its wait
    Given the "independent" plan
    And wave 1 is followed by a wait of 10 minutes
    And the launch of server "database-1" fails with "No capacity in the zone"
    When a drill of the plan is run
    Then wave 1 is FAILED
    And wave 2 started as soon as wave 1 had ended

  @AC-1.4 @moto @aws @costs-instances
  Scenario: The servers of a parallel wave are launched together
    Given the "parallel" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And one recovery job launched "web-1, web-2"

  @AC-1.4 @moto
  Scenario: A parallel wave is judged only after all its servers ended
    Given the "three-tier" plan
    And the launch of server "database-1" fails with "No capacity in the zone"
    And the instance of server "database-2" takes 3 minutes to boot
    When a drill of the plan is run
    Then server "database-1" is FAILED
    And server "database-2" is RECOVERED
    And wave 1 is FAILED
    And wave 1 ended no earlier than server "database-2"

  @AC-1.4 @moto
  Scenario: A wave that is larger than a recovery job may be is launched in as few jobs as possible
    Given a plan that recovers 101 servers in one wave without a health check
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And wave 1 was launched by recovery jobs of 100, 1 servers
    And the recovery jobs of wave 1 ran at the same time

  @AC-1.5 @moto @aws @costs-instances
  Scenario: The servers of a sequential wave are launched one at a time in their order
    Given the "sequential" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the servers were launched one at a time in the order "web-2, web-1"

  @AC-1.5 @moto
  Scenario: In a sequential wave each server is healthy before the next is launched
    Given the "sequential" plan
    And the instance of server "web-2" takes 2 minutes to boot
    When a drill of the plan is started
    And server "web-1" is IN_PROGRESS
    Then server "web-2" is RECOVERED
    And server "web-2" is launched and its instance runs

  @AC-1.5 @moto
  Scenario: After a failure the rest of a sequential wave is not launched
    Given the "sequential" plan
    And the launch of server "web-2" fails with "No capacity in the zone"
    When a drill of the plan is run
    Then the execution is FAILED
    And server "web-1" is SKIPPED
    And server "web-1" was not launched
