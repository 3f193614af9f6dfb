#include "suite.h"

extern CU_TestInfo hist_tests[], response_tests[], wsframe_tests[], request_tests[];

int main(void)
{
    return suite_run((struct suite[]){{"hist", hist_tests},
                                      {"response", response_tests},
                                      {"wsframe", wsframe_tests},
                                      {"request", request_tests},
                                      {0}});
}
