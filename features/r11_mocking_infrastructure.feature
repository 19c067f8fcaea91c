Feature: The simulated AWS
  Developers want tests that are fast and that never touch a real account, and still want to believe them. The simulated
  DRS has to answer as DRS does, take the time DRS takes, and fail in every way DRS fails. Here the simulation itself is
  under test.

  @AC-11.1 @moto
  Scenario: Every answer of the simulated DRS in a drill is one that DRS could give
    Given the "three-tier" plan
    And DRS takes its usual time
    When a drill of the plan is run
    And the drill's clean-up has ended
    Then the execution is COMPLETED
    And every answer of DRS follows the service's model
    And every launched instance is an instance of EC2

  @AC-11.2 @moto
  Scenario: A job passes through its states in the time that DRS takes
    Given the "single-wave" plan
    And DRS takes its usual time
    When a drill of the plan is started
    And the job of server "database-1" is watched until it ends
    Then it was PENDING, then STARTED, then COMPLETED
    And it was PENDING for 5 to 15 seconds
    And it took 5 to 10 minutes in all

  @AC-11.2 @moto
  Scenario: The record follows the job from PENDING to COMPLETED
    Given the "single-wave" plan
    And the job of server "database-1" is PENDING for 2 minutes
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the job of server "database-1" was PENDING, IN_PROGRESS, COMPLETED in the record

  @AC-11.3 @moto
  Scenario Outline: The simulation can <fault>
    Given the six known servers
    And <fact>
    When somebody asks DRS for its source servers
    Then the answer is <answer>

    Examples:
      | fault             | fact                                       | answer                                  |
      | throttle          | DRS throttles the next request             | ThrottlingException with status 429     |
      | have an own error | DRS fails the next request                 | InternalServerException with status 500 |
      | lose a connection | the connection of the next request is lost | no answer: ConnectionClosedError        |
      | time out          | the answer to the next request is lost     | no answer: ReadTimeoutError             |
      | expire a token    | the token of the next request is expired   | ExpiredTokenException with status 403   |
      | deny access       | DRS denies the next request                | AccessDeniedException with status 403   |

  @AC-11.4 @moto
  Scenario: A drill opens no connection to anywhere
    Given the "three-tier" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And no connection left this machine

  @AC-11.4 @moto
  Scenario: A connection that something tries to open is seen and refused
    Given the six known servers
    When a program tries to connect to "drs.us-east-1.amazonaws.com"
    Then the connection to "drs.us-east-1.amazonaws.com" was refused and noted

  @AC-11.5 @moto
  Scenario: Every operation of the simulated DRS succeeds and fails as the service's model says
    Given the six known servers
    And a recovery of server "database-1" has ended
    When every operation of DRS is called once as it should be and once for each error of its model
    Then these operations have succeeded and failed with each of their errors
      | operation                  |
      | InitializeService          |
      | DescribeSourceServers      |
      | DescribeRecoverySnapshots  |
      | StartRecovery              |
      | DescribeJobs               |
      | DescribeJobLogItems        |
      | DescribeRecoveryInstances  |
      | TerminateRecoveryInstances |
      | TagResource                |
      | UntagResource              |
      | ListTagsForResource        |
