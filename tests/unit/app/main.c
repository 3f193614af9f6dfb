#include "suites.h"

int main(void)
{
    return suite_run((struct suite[]){{"config", config_tests},
                                      {"http/session and net/conn", session_tests},
                                      {"net", listener_tests},
                                      {"announce", announce_tests},
                                      {0}});
}
