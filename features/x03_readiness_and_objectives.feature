Feature: Readiness and objectives
  Operators need to know before a launch which server will fail, and afterwards whether the recovery was good enough: how old
  the recovered data are, and how long the recovery took. QA reads both in the record and compares them with the times of DRS.

  @EX-3.3 @moto
  Scenario: Data that are new enough meet the recovery point objective
    Given the "pinned-snapshots" plan
    And the recovery point objective of the plan is 3 hours
    And the plan's snapshot of server "database-1" is 2 hours old
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And the recorded data age of server "database-1" is 2 hours
    # DRS takes a new snapshot of a server that replicates, after the job was created.
    And the recorded data age of server "database-2" is 0 seconds
    And the recovery point objective is met in the record

  @EX-3.3 @moto
  Scenario: One server with older data misses the recovery point objective
    Given the "pinned-snapshots" plan
    And the recovery point objective of the plan is 1 hour
    And the plan's snapshot of server "database-1" is 2 hours old
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And the recorded data age of server "database-2" is 0 seconds
    And the recovery point objective is not met in the record

  @EX-3.3 @moto
  Scenario: A recovery without one of its servers does not meet the recovery point objective
    Given the "single-wave" plan
    And the recovery point objective of the plan is 1 hour
    And the launch of server "database-1" fails with "no capacity"
    When a recovery of the plan is run
    Then the execution is FAILED
    And the recorded data age of server "database-2" is 0 seconds
    And the recovery point objective is not met in the record

  @EX-3.4 @moto
  Scenario: A drill that is fast enough meets its recovery time objective
    Given the "three-waves" plan
    And a subscriber to the plan's topic
    And the recovery time objective of the plan is 4 hours
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the recorded recovery time ends with the last recovered server
    And the recovery time objective is met in the record
    And the recovery time objective is met in the message

  @EX-3.4 @moto
  Scenario: The last server is recovered after the recovery time objective
    Given the "three-waves" plan
    And a subscriber to the plan's topic
    And the recovery time objective of the plan is 15 minutes
    And server "web-1" takes 30 minutes to launch
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And the recovery time objective is not met in the record
    And the recovery time objective is not met in the message

  @EX-3.4 @moto
  Scenario: A failed recovery does not meet its recovery time objective
    Given the "three-waves" plan
    And a subscriber to the plan's topic
    And the recovery time objective of the plan is 4 hours
    And the launch of server "web-1" fails with "no capacity"
    When a recovery of the plan is run
    Then the execution is FAILED
    And the recorded recovery time ends with the last recovered server
    And the recovery time objective is not met in the record
    And the recovery time objective is not met in the message

  @EX-3.1 @moto
  Scenario Outline: A drill with a server that cannot be launched is refused before any launch
    Given the "three-waves" plan
    And the replication of server "web-1" is <state>
    When a drill of the plan is started
    Then the start is refused
    And the refusal names "web-1"
    And the refusal names "replication is <state>"
    And the refusal names "DRS has no snapshot to launch from"
    And the refusal does not name "web-2"
    And no execution was recorded and no server was launched

    Examples:
      | state        |
      | DISCONNECTED |
      | STOPPED      |
      | INITIAL_SYNC |

  @EX-3.1 @moto
  Scenario: A drill is refused if the tags of a group select no server
    Given the "three-waves" plan
    And the servers have these tags in DRS
      | server | Tier      | System  |
      | web-1  | front-end | archive |
      | web-2  | web       | billing |
    And the group of wave 3 selects the servers with these tags
      | Tier      | System  |
      | front-end | billing |
    When a drill of the plan is started
    Then the start is refused
    And the refusal names "wave 3"
    And the refusal names "has the tags Tier=front-end, System=billing"
    And no execution was recorded and no server was launched

  @EX-3.1 @moto
  Scenario: A drill of a server without replication is started if DRS has a snapshot
    Given the "single-wave" plan
    And the replication of server "database-1" is DISCONNECTED
    And the newest snapshot of server "database-1" is 3 hours old
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the warning of server "database-1" names "replication is DISCONNECTED; its newest snapshot is 3 hours old"

  @EX-3.2 @moto
  Scenario: A recovery warns of a server without replication, and recovers it
    Given the "single-wave" plan
    And the replication of server "database-1" is DISCONNECTED
    And the newest snapshot of server "database-1" is 21 days old
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And the warnings of the start name "database-1: replication is DISCONNECTED; its newest snapshot is 21 days old"
    And the warning of server "database-1" names "its newest snapshot is 21 days old"
    And the recorded data age of server "database-1" is 21 days
    And the warnings of the start do not name "database-2"

  @EX-3.2 @moto
  Scenario: A recovery warns of a server whose replication is stalled, and recovers it
    Given the "single-wave" plan
    And the replication of server "database-2" is STALLED
    And the newest snapshot of server "database-2" is 5 hours old
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And the warnings of the start name "database-2: replication is STALLED; its newest snapshot is 5 hours old"

  @EX-3.2 @moto
  Scenario: A recovery with a server that cannot be launched recovers the other servers
    Given the "three-waves" plan
    And the replication of server "web-1" is DISCONNECTED
    When a recovery of the plan is run
    Then the execution is FAILED
    And the warnings of the start name "web-1: replication is DISCONNECTED, and DRS has no snapshot to launch from"
    And server "web-1" is FAILED
    And server "web-2" is RECOVERED
    And server "database-1" is RECOVERED

  @EX-3.2 @moto
  Scenario: A recovery starts although AWS does not report the age of the data
    Given the "single-wave" plan
    And the replication of server "database-1" is DISCONNECTED
    And the newest snapshot of server "database-1" is 21 days old
    And AWS denies every snapshot query
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And the warnings of the start name "database-1: replication is DISCONNECTED; the age of its data was not checked"

  @EX-3.5 @moto
  Scenario: Each server is launched from its newest snapshot that is not after the time
    Given the "single-wave" plan
    And DRS has these snapshots
      | server     | snapshot              | age         |
      | database-1 | pit-00000000000000001 | 5 hours     |
      | database-1 | pit-00000000000000002 | 3 hours     |
      | database-1 | pit-00000000000000003 | 1 hour      |
      | database-2 | pit-00000000000000004 | 26 hours    |
      | database-2 | pit-00000000000000005 | 119 minutes |
    When a recovery of the plan is run as of 2 hours ago
    Then the execution is COMPLETED
    And the recovery requests named these servers
      | server     | snapshot              |
      | database-1 | pit-00000000000000002 |
      | database-2 | pit-00000000000000004 |
    And the record has the time as of which the plan was run
    And the recorded data age of server "database-2" is 26 hours

  @EX-3.5 @moto
  Scenario: A point in time takes precedence over the snapshots of the plan
    Given the "pinned-snapshots" plan
    And the plan's snapshot of server "database-1" is 1 hour old
    And DRS has these snapshots
      | server     | snapshot              | age     |
      | database-1 | pit-00000000000000001 | 5 hours |
      | database-2 | pit-00000000000000002 | 4 hours |
    When a recovery of the plan is run as of 2 hours ago
    Then the execution is COMPLETED
    And the recovery requests named these servers
      | server     | snapshot              |
      | database-1 | pit-00000000000000001 |
      | database-2 | pit-00000000000000002 |

  @EX-3.5 @moto
  Scenario: A recovery as of a time before a server's first snapshot is refused, and the refusal names the server
    Given the "single-wave" plan
    And DRS has these snapshots
      | server     | snapshot              | age     |
      | database-1 | pit-00000000000000001 | 5 hours |
      | database-2 | pit-00000000000000002 | 1 hour  |
    When a recovery of the plan is run as of 2 hours ago
    Then the start is refused
    And the refusal names "database-2"
    And the refusal does not name "database-1"
    And no execution was recorded and no server was launched

  @EX-3.1 @moto
  Scenario: A drill with a snapshot that DRS does not have is refused before any launch
    Given the "pinned-snapshots" plan
    When a drill of the plan is started
    Then the start is refused
    And the refusal names "DRS has no snapshot pit-0a1b2c3d4e5f60718 of database-1"
    And no execution was recorded and no server was launched

  @EX-3.5 @moto
  Scenario: A recovery into another account uses the snapshots of that account
    Given the "cross-account" plan
    And the recovery account trusts the engine
    And DRS has these snapshots
      | server        | snapshot              | age      |
      | database-1    | pit-00000000000000001 | 3 hours  |
      | database-2    | pit-00000000000000002 | 4 hours  |
      | application-1 | pit-00000000000000003 | 5 hours  |
      | application-2 | pit-00000000000000004 | 26 hours |
    When a recovery of the plan is run as of 2 hours ago
    Then the execution is COMPLETED
    And the recovery requests named these servers
      | server        | snapshot              |
      | database-1    | pit-00000000000000001 |
      | database-2    | pit-00000000000000002 |
      | application-1 | pit-00000000000000003 |
      | application-2 | pit-00000000000000004 |

  @EX-3.1 @moto
  Scenario: The readiness check of a drill names each server that a drill could not launch, and each cause
    Given the "pinned-snapshots" plan
    And the replication of server "database-2" is DISCONNECTED
    When the readiness of a drill of the plan is checked
    Then the readiness check finds exactly
      | verdict | server     | finding                                                                    |
      | BLOCKED | database-1 | DRS has no snapshot pit-0a1b2c3d4e5f60718, which the plan names            |
      | BLOCKED | database-2 | replication is DISCONNECTED, and DRS has no snapshot to launch from        |
      | WARNING |            | the plan names no topic: no message tells the end of an execution          |
      | READY   |            | quotas of DRS: 0 of 20 jobs, 0 of 500 servers in jobs                      |
      | READY   |            | quota of EC2: needs about 4 of 640 vCPUs, by the types that DRS recommends |

  @EX-3.1 @moto
  Scenario: The readiness check of a drill names a server that was recovered for real
    Given the "pinned-snapshots" plan
    And the plan's snapshot of server "database-1" is 2 hours old
    And a subscriber to the plan's topic
    And another user's recovery of server "database-2" has ended
    When the readiness of a drill of the plan is checked
    Then the readiness check finds exactly
      | verdict | server     | finding                                                                    |
      | BLOCKED | database-2 | was recovered for real: a drill would replace i-…                          |
      | READY   |            | topic … has 1 confirmed subscription                                       |
      | READY   |            | quotas of DRS: 0 of 20 jobs, 0 of 500 servers in jobs                      |
      | READY   |            | quota of EC2: needs about 4 of 640 vCPUs, by the types that DRS recommends |

  @EX-3.2 @moto
  Scenario: The readiness check of a recovery warns of old data, and of a job in progress
    Given the "three-waves" plan
    And the recovery point objective of the plan is 4 hours
    And the replication of server "database-1" is STALLED
    And the newest snapshot of server "database-1" is 5 hours old
    And the replication of server "database-2" is DISCONNECTED
    And the newest snapshot of server "database-2" is 3 hours old
    And another user's drill of server "web-1" is in progress
    When the readiness of a recovery of the plan is checked
    Then the readiness check finds exactly
      | verdict | server     | finding                                                                                |
      | WARNING | database-1 | replication is STALLED; its newest snapshot is 5 hours old (2026-01-05 04:00 UTC)      |
      | WARNING | database-1 | its newest snapshot (5 hours) misses the objective                                     |
      | WARNING | database-2 | replication is DISCONNECTED; its newest snapshot is 3 hours old (2026-01-05 06:00 UTC) |
      | WARNING | web-1      | is in job …; its launch waits for the end of the job                                   |
      | WARNING |            | the plan names no topic: no message tells the end of an execution                      |
      | READY   |            | quotas of DRS: 1 of 20 jobs, 1 of 500 servers in jobs                                  |
      | READY   |            | quota of EC2: needs about 12 of 640 vCPUs, by the types that DRS recommends            |
