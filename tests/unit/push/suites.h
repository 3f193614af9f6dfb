#pragma once
#include "suite.h"

extern const CU_TestInfo handshake_tests[], frame_tests[], frame_queue_tests[], pacer_tests[], channel_tests[],
    conn_tests[], slow_tests[], hub_tests[], hub_follow_tests[], hub_events_tests[], hub_signal_tests[],
    presence_tests[], hub_presence_tests[], broadcaster_tests[], relay_tests[];
