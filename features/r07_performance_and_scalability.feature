Feature: Performance and scale
  A recovery that takes longer than the business can wait has failed. Operators plan with 15 minutes for a tier, with many
  servers, with long histories, within AWS's limits. Simulated time takes as long as DRS takes, so QA can see the engine's
  own share of it. Where AWS's own speed decides, QA judges the engine's requests instead.

  @AC-7.1 @moto @aws @costs-instances
  Scenario: Six servers are recovered in parallel within 15 minutes
    Given a plan that recovers the six known servers in one wave
    And DRS takes its usual time
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And 6 servers are RECOVERED
    And the execution ended at most 15 minutes after it started
    And the engine's own share of that time was at most 60 seconds

  @AC-7.2 @moto
  Scenario: A recovery of twenty servers in five waves causes no throttled request
    Given a plan that recovers 20 servers in 5 waves
    And DRS accepts 1 request every 5 seconds, with bursts of 5
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And 20 servers are RECOVERED
    And no request to DRS or EC2 failed

  @AC-7.3 @moto
  Scenario: Ten jobs in flight are queried together, and no function runs long
    Given the engine launches at most 2 servers in a job
    And a plan that recovers 20 servers in 1 wave
    And wave 1 has no health check
    And every server takes 2 minutes to launch
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And every job query named all 10 jobs in flight
    And all job queries came at least 10 seconds apart
    And no function ran longer than 10 seconds

  @AC-7.3 @moto
  Scenario Outline: A job that takes <time> is queried <count> times: seldom while it is young, more often near its end
    Given the "single-wave" plan
    And wave 1 has no health check
    And every server takes <time> to launch
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And exactly <count> job queries were made
    And all job queries came at least 10 seconds apart
    And no function ran longer than 10 seconds

    # Every 50 seconds during the first 4 minutes, every 20 until minute 25, every 30 in the first hour, then every 50.
    Examples:
      | time        | count |
      | 4 minutes   | 5     |
      | 50 minutes  | 118   |
      | 150 minutes | 246   |

  @AC-7.4 @moto
  Scenario: A hundred transitions stay far below the limits of Step Functions
    Given the "three-tier" plan
    And wave 1 is followed by a wait of 25 minutes
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And the state machine made at least 100 transitions in fewer than 5000 history events
    And no payload of the state machine was larger than 2 kilobytes

  @AC-7.5 @moto
  Scenario Outline: A page of the history of <executions> is one small query, however long the history is
    Given the "no-health-check" plan
    When a recovery of the plan is run
    And the history grows to 1000 executions
    And the first page of the history of <executions> is read
    Then 25 executions came within 200 milliseconds
    And the page was one query on an index that read no more than those 25 records

    Examples:
      | executions           |
      | the plan             |
      | COMPLETED executions |
