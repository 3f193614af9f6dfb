#include "chat_suites.h"

int main(void)
{
    return suite_run((struct suite[]){{"model", model_tests},
                                      {"email", email_tests},
                                      {"validate", validate_tests},
                                      {"words", words_tests},
                                      {"render", render_tests},
                                      {"render message", render_message_tests},
                                      {0}});
}
