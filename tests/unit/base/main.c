#include "suites.h"

int main(void)
{
    return suite_run((struct suite[]){
        {"err", err_tests},
        {"buf", buf_tests},
        {"blob", blob_tests},
        {"memory", memory_tests},
        {"map", map_tests},
        {"clock", clock_tests},
        {"id", id_tests},
        {"log", log_tests},
        {"metrics", metrics_tests},
        {0},
    });
}
