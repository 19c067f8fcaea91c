Feature: Servers shared between plans
  Several plans can name the same server: a plan for one application, and a plan for the whole site. If two executions work on
  one server, DRS replaces the instance of the first, and its record describes an instance that no longer exists. Operators
  need to see that each server belongs to one execution at a time, and that a drill never delays a real recovery.

  @EX-2.1 @moto
  Scenario: A drill of servers of a running drill is refused, and the refusal names execution, plan and servers
    Given the "three-waves" plan
    When a drill of the plan is started
    And a drill of the "single-wave" plan is started
    And the execution ends
    Then the start is refused
    And the refusal names the running execution
    And the refusal names "plan plan-single-wave: 2 of its servers are in use by another execution"
    And the refusal names "of plan plan-three-waves has"
    And the refusal names host name and id of server "database-1"
    And the refusal names host name and id of server "database-2"
    And the refusal does not name "web-1"
    And the refusal names "Wait until it has ended and is cleaned up, or cancel it"
    And the refusal names "python -m engine cancel"
    And the execution is COMPLETED
    And DRS launched only "database-1, database-2, application-1, application-2, web-1, web-2"

  @EX-2.1 @moto
  Scenario: A drill of servers of a completed drill is refused until the clean-up has ended
    Given the "three-waves" plan
    When a drill of the plan is run
    And a drill of the "single-wave" plan is started
    And the drill's clean-up ends
    Then the start is refused
    And the refusal names "COMPLETED, its clean-up is not over"
    And the refusal names "Try again when it is settled; its status shows the clean-up"
    And the refusal names host name and id of server "database-1"
    And the execution is COMPLETED

  @EX-2.1 @moto
  Scenario: A recovery of a server that a later wave of another recovery will launch is refused
    Given the "three-waves" plan
    When a recovery of the plan is started
    And a recovery of the "parallel" plan is started
    Then the start is refused
    And the refusal names the running execution
    And the refusal names "of plan plan-three-waves has"
    And the refusal names "RUNNING"
    And the refusal does not name "its clean-up"
    And the refusal names host name and id of server "web-1"
    And the refusal does not name "database-1"
    And the refusal names "Wait until it has ended, or cancel it and start again"
    And the refusal names "python -m engine start plan-parallel --recovery"
    And the refusal names "--take-over"
    And the refusal does not name "--cancel-drills"
    And the refusal does not name "more"

  @EX-2.2 @moto
  Scenario Outline: The command in the refusal cancels the drill and starts the recovery of <plan>
    Given the "three-waves" plan
    When a drill of the plan is started
    And 2 minutes pass
    And a recovery of <plan> is started
    And the command of the refusal is run
    And the execution ends
    Then the refusal names "To cancel the drill and start this recovery"
    And the refusal names "--recovery --cancel-drills"
    And the refusal does not name "--take-over"
    And the command has succeeded
    And the execution is COMPLETED
    And <count> servers are RECOVERED
    And DRS still has the recovered instances of "<servers>"
    And the drill before it is CANCELLED

    Examples:
      | plan                   | count | servers                                                            |
      | the "single-wave" plan | 2     | database-1, database-2                                             |
      | the plan               | 6     | database-1, database-2, application-1, application-2, web-1, web-2 |

  @EX-2.3 @moto
  Scenario Outline: Exactly one of a <first> and a <second> of the same servers starts when both start at the same moment
    Given the "three-waves" plan
    When a <first> of the plan and a <second> of the "three-tier" plan are started at the same moment
    And the execution ends
    Then the start is refused
    And one execution was started
    And the execution is COMPLETED

    Examples:
      | first    | second   |
      | drill    | drill    |
      | recovery | drill    |
      | recovery | recovery |

  @EX-2.4 @moto
  Scenario: The servers of a completed drill are free after its clean-up
    Given the "three-waves" plan
    When a drill of the plan is run
    And the drill's clean-up ends
    And a drill of the "single-wave" plan is run
    Then the execution is COMPLETED
    And 2 servers are RECOVERED

  @EX-2.4 @moto
  Scenario: The servers of a failed recovery are free
    Given the "three-waves" plan
    And the launch of server "database-1" fails with "no capacity"
    When a recovery of the plan is run
    And a recovery of the "parallel" plan is run
    Then the execution is COMPLETED
    And 2 servers are RECOVERED

  @EX-2.4 @moto
  Scenario: The servers of a cancelled drill are free for a recovery before the drill is cleaned up
    Given the "three-waves" plan
    When a drill of the plan is started
    And 2 minutes pass
    And the execution is cancelled
    And the execution ends
    And a recovery of the "single-wave" plan is run
    Then the execution is COMPLETED
    And DRS still has the recovered instances of "database-1, database-2"

  @EX-2.4 @moto
  Scenario: The servers of an execution whose state machine was stopped are free
    Given the "three-waves" plan
    When a drill of the plan is started
    And 2 minutes pass
    And the state machine is stopped from outside
    And a recovery of the "single-wave" plan is run
    Then the execution is COMPLETED
    And DRS still has the recovered instances of "database-1, database-2"

  @EX-2.5 @moto
  Scenario Outline: A <next> gets its servers although an earlier start was killed <moment> its <write> history write
    Given the "three-waves" plan
    And AWS kills the function <moment> the <write> history write
    When a recovery of the plan is started
    And a <next> of the "single-wave" plan is run
    Then the execution is COMPLETED
    And 2 servers are RECOVERED
    And DRS launched only "database-1, database-2"

    # The first write has lock and record, the second one the leases of the servers.
    Examples:
      | moment | write | next     |
      | after  | 1st   | drill    |
      | before | 2nd   | recovery |
      | after  | 2nd   | recovery |
      | after  | 2nd   | drill    |
