#include "write_suites.h"

int main(void)
{
    return suite_run((struct suite[]){
        {"op", op_tests},
        {"batch", batch_tests},
        {"writer", writer_tests},
        {"kinds and producers", kind_tests},
        {0},
    });
}
