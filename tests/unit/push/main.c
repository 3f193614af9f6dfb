#include "suites.h"

int main(void)
{
    return suite_run((struct suite[]){{"ws_handshake", handshake_tests},
                                      {"ws_frame", frame_tests},
                                      {"frame queue", frame_queue_tests},
                                      {"pacer", pacer_tests},
                                      {"channel", channel_tests},
                                      {"ws_conn", conn_tests},
                                      {"ws_conn, slow peers", slow_tests},
                                      {"hub", hub_tests},
                                      {"hub, followers and intervals", hub_follow_tests},
                                      {"hub, chat events", hub_events_tests},
                                      {"presence", presence_tests},
                                      {"hub, signals", hub_signal_tests},
                                      {"hub, who is there", hub_presence_tests},
                                      {"broadcaster", broadcaster_tests},
                                      {"relay", relay_tests},
                                      {0}});
}
