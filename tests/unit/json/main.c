#include "suites.h"

int main(void)
{
    return suite_run((struct suite[]){
        {"json_table", json_table_tests},
        {"json_in", json_in_tests},
        {"json_out", json_out_tests},
        {0},
    });
}
