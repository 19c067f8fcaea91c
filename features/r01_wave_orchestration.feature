Feature: Wave orchestration
  Operators recover a business in waves: first the systems that others need, then the systems that need them. An
  application that starts before its database fails, and the users notice it first. QA needs to see that waves keep their
  order, wait for each other and pause as planned, and that the servers of a wave start together or one by one, as the
  plan says.

  @AC-1.1 @AC-2.1 @AC-2.2 @moto @aws @costs-instances
  Scenario: A drill launches the servers of its plan, wave after wave, and no others
    Given the "three-waves" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the waves were launched in the order 1, 2, 3
    And wave 2 started immediately after wave 1 ended
    And wave 3 started immediately after wave 2 ended
    And every server was launched as a drill
    And the recovery requests named these servers
      | server        | snapshot    |
      | database-1    | latest data |
      | database-2    | latest data |
      | application-1 | latest data |
      | application-2 | latest data |
      | web-1         | latest data |
      | web-2         | latest data |

  @AC-1.1 @moto
  Scenario: The wave numbers define the order, not their places in the plan
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
    Then DRS launched no server of wave 2
    And DRS launched no server of wave 3

  @AC-1.2 @moto
  Scenario: A wave waits for the slowest server of the wave it depends on
    Given the "three-tier" plan
    And server "database-2" takes 20 minutes to launch
    When a drill of the plan is started
    And wave 2 is RUNNING
    Then wave 1 is COMPLETED
    And every instance of wave 1 runs

  @AC-1.2 @moto
  Scenario: A wave waits until the launched servers of the wave it depends on are healthy
    Given the "three-tier" plan
    And the instance of server "database-2" takes 4 minutes to boot
    When a drill of the plan is started
    And wave 2 is RUNNING
    Then wave 1 is COMPLETED
    And every instance of wave 1 runs

  @AC-1.2 @moto
  Scenario: A wave without dependencies of its own depends on the wave before it
    Given the "three-waves" plan
    And the launch of server "database-1" fails with "No capacity in the zone"
    When a drill of the plan is run
    Then the execution is FAILED
    And wave 2 is SKIPPED because of wave 1
    And wave 3 is SKIPPED because of wave 2
    And DRS launched no server of wave 2

  @AC-1.3 @moto
  Scenario Outline: The plan pauses for <wait> after a wave
    Given the "three-tier" plan
    And wave 1 is followed by a wait of <wait>
    When a drill of the plan is run
    Then the execution is COMPLETED
    And wave 2 started <wait> after wave 1 ended
    And wave 3 started immediately after wave 2 ended

    Examples:
      | wait       |
      | 1 second   |
      | 90 seconds |
      | 20 minutes |

  @AC-1.3 @moto @aws @costs-instances
  Scenario: The plan itself sets the wait
    Given the "waiting" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And wave 2 started 90 seconds after wave 1 ended

  @AC-1.3 @moto
  Scenario: A wait after the last wave delays nothing
    Given the "single-wave" plan
    And wave 1 is followed by a wait of 10 minutes
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the execution ended immediately after wave 1 ended

  @AC-1.3 @moto
  Scenario: The plan does not pause after a failed wave
    Given the "independent" plan
    And wave 1 is followed by a wait of 10 minutes
    And the launch of server "database-1" fails with "No capacity in the zone"
    When a drill of the plan is run
    Then wave 1 is FAILED
    And wave 2 started immediately after wave 1 ended

  @AC-1.4 @moto @aws @costs-instances
  Scenario: The servers of a parallel wave are launched together
    Given the "parallel" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And one recovery job launched "web-1, web-2"

  @AC-1.4 @moto
  Scenario: A parallel wave ends with its last server
    Given the "three-tier" plan
    And the launch of server "database-1" fails with "No capacity in the zone"
    And the instance of server "database-2" takes 3 minutes to boot
    When a drill of the plan is run
    Then server "database-1" is FAILED
    And server "database-2" is RECOVERED
    And wave 1 is FAILED
    And wave 1 ended immediately after server "database-2" ended

  @AC-1.4 @AC-2.3 @moto
  Scenario: A wave that is larger than a recovery job is launched and observed in as few requests as possible
    Given a plan that recovers 101 servers in 1 wave
    And wave 1 has no health check
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And wave 1 was launched by simultaneous recovery jobs of 100 and 1 servers
    And every job query named all 2 jobs in flight

  @AC-1.5 @moto @aws @costs-instances
  Scenario: The servers of a sequential wave are launched one at a time in their order
    Given the "sequential" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the servers were launched one at a time in the order "web-2, web-1"

  @AC-1.5 @moto
  Scenario: In a sequential wave each server is healthy before the next one is launched
    Given the "sequential" plan
    And the instance of server "web-2" takes 2 minutes to boot
    When a drill of the plan is started
    And server "web-1" is IN_PROGRESS
    Then server "web-2" is RECOVERED
    And the instance of server "web-2" runs

  @AC-1.5 @moto
  Scenario: After a failure the rest of a sequential wave is not launched
    Given the "sequential" plan
    And the launch of server "web-2" fails with "No capacity in the zone"
    When a drill of the plan is run
    Then the execution is FAILED
    And server "web-1" is SKIPPED
    And DRS launched only "web-2"
