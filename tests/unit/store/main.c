#include "conformance.h"
#include "sqlite_files.h"
#include "suites.h"

int main(void)
{
    conformance_use(&sqlite_factory);
    return suite_run((struct suite[]){
        {"conformance of sqlite", conformance_tests},
        {"sqlite", sqlite_tests},
        {"sqlite faults", sqlite_fault_tests},
        {"sqlite plans", sqlite_plan_tests},
        {"sqlite search", sqlite_search_tests},
        {"sqlite files", sqlite_watch_tests},
        {"lease rule", lease_rule_tests},
        {"sqlite rules", sqlite_rule_tests},
        {"check", check_tests},
        {"rows of documents", bson_row_tests},
        {0},
    });
}
