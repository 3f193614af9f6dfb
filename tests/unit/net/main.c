#include "suites.h"

int main(void)
{
    return suite_run((struct suite[]){{"loop", loop_tests}, {"timer", timer_tests}, {"share", share_tests}, {0}});
}
