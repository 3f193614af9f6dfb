#include "fault_vfs.h"
#include "sqlite_fault_suites.h"

int main(void)
{
    fault_install();
    return suite_run((struct suite[]){
        {"recovery of sqlite", sqlite_recovery_tests},
        {"marks of sqlite", sqlite_marks_tests},
        {"the log of sqlite begins anew", sqlite_restart_tests},
        {"a fault at every call of sqlite", sqlite_every_call_tests},
        {0},
    });
}
