#include "suites.h"

int main(void)
{
    return suite_run((struct suite[]){
        {"auth", auth_tests},
        {"token_cache", token_cache_tests},
        {"rate_limit", rate_limit_tests},
        {"routes", routes_tests},
        {"rights", rights_tests},
        {"scope", scope_tests},
        {"budget", budget_tests},
        {"problem", problem_tests},
        {0},
    });
}
