Feature: Test data
  A test is as trustworthy as its data. QA needs well-known groups and plans, deliberate mistakes that the engine finds and
  names, one spelling for every field, and an environment that is as clean after a run as before it.

  @AC-12.1 @AC-12.4 @moto @aws
  Scenario: The test data has three groups of two servers, and all of it follows its schema
    Given the groups and plans of the test data
    When the test data is saved
    Then the saved protection groups are
      | group       | servers                                  |
      | Database    | s-3d75cdc0d9a28a725, s-3afa164776f93ce4f |
      | Application | s-3c1730a9e0771ea14, s-3c63bb8be30d7d071 |
      | Web         | s-3578f52ef3bdd58b4, s-3b9401c1cd270a7a8 |
    And every saved group and plan follows its schema
    And every saved field name is in PascalCase

  @AC-12.2 @moto
  Scenario Outline: The test data covers <kind>
    Given the "<plan>" plan
    When the test data is saved
    Then the saved plan has <waves>

    Examples:
      | kind                           | plan        | waves                                 |
      | a single wave                  | single-wave | 1 parallel wave                       |
      | several waves and dependencies | three-tier  | 3 parallel waves, 2 of them dependent |
      | parallel execution             | parallel    | 1 parallel wave                       |
      | sequential execution           | sequential  | 1 sequential wave                     |

  @AC-12.3 @moto @aws
  Scenario Outline: The test data has a plan with <mistake>, and the engine names it
    Given the bad plan "<plan>"
    When a drill of the plan is started
    Then the start is refused
    And the refusal names "<named>"
    And no execution was recorded and no server was launched

    Examples:
      | mistake                       | plan                | named                                                                                                                   |
      | a malformed server id         | malformed-server-id | is malformed; a source server id is s- and 17 letters or digits                                                         |
      | a missing protection group    | missing-group       | wave 2 (Cache), ProtectionGroupId: protection group pg-cache does not exist                                             |
      | a circular dependency         | circular-dependency | wave 1 (Database), DependsOn: circular dependency: wave 1 -> wave 3 -> wave 2 -> wave 1                                 |
      | a wave that depends on itself | self-dependency     | wave 2 (Application), DependsOn: circular dependency: wave 2 depends on itself                                          |
      | a forward dependency          | forward-dependency  | wave 1 (Database), DependsOn: wave 2 comes later                                                                        |
      | an unknown dependency         | unknown-dependency  | wave 2 (Application), DependsOn: wave 7 does not exist                                                                  |
      | the same server twice         | duplicate-server    | wave 2 (Database again), ProtectionGroupId: duplicate server s-3d75cdc0d9a28a725: already launched by wave 1 (Database) |
      | a wave without servers        | empty-wave          | protection group pg-nobody, SourceServerIds: must not be empty                                                          |
      | a group of another Region     | wrong-region        | protection group pg-elsewhere, Region: is eu-west-1, but the plan recovers to us-east-1                                 |

  @AC-12.3 @moto
  Scenario: The engine names all mistakes of a plan at once
    Given the bad plan "many-mistakes"
    When a drill of the plan is started
    Then the start is refused
    And the refusal names "protection group pg-many, SourceServerIds"
    And the refusal names "s-123"
    And the refusal names "wave 2 (Cache), DependsOn: wave 9 does not exist"
    And the refusal names "wave 2 (Cache), ProtectionGroupId: protection group pg-cache does not exist"

  @AC-12.3 @moto
  Scenario: A plan with more servers than an execution may have is refused
    Given a plan that recovers 1001 servers in 1 wave
    When a recovery of the plan is started
    Then the start is refused
    And the refusal names "plan, Waves: launches 1001 servers; at most 1000 are possible"
    And no execution was recorded and no server was launched

  @AC-12.5 @moto
  Scenario Outline: The clean-up removes all resources of an execution that <ending>
    Given the "three-tier" plan
    And <circumstance>
    When a drill of the plan is started
    And <moment>
    And the test data is cleaned up
    Then no record, plan or group is left
    And no running recovery job is left
    And no instance is left
    And no stack is left

    Examples:
      | ending           | circumstance                                           | moment             |
      | has completed    | server "web-1" takes 12 minutes to launch              | the execution ends |
      | has failed       | the launch of server "application-2" fails with "Disk" | the execution ends |
      | is still running | server "web-1" takes 12 minutes to launch              | wave 2 is RUNNING  |
