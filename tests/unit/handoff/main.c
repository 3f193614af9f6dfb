#include "suites.h"

int main(void)
{
    return suite_run((struct suite[]){{"mailbox", mailbox_tests}, {"ring", ring_tests}, {0}});
}
