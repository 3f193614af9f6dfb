#include "suites.h"

int main(void)
{
    return suite_run((struct suite[]){
        {"parse_table", parse_table_tests},
        {"parse", parse_tests},
        {"request", request_tests},
        {"body", body_tests},
        {"reply", reply_tests},
        {"router", router_tests},
        {"cors", cors_tests},
        {"origin", origin_tests},
        {0},
    });
}
