#include "cache_suites.h"
#include "suite.h"

int main(void)
{
    return suite_run((struct suite[]){{"histories", compose_tests},
                                      {"cache", cache_tests},
                                      {"cache loads", cache_load_tests},
                                      {"events", event_tests},
                                      {"followers", follow_tests},
                                      {"cache threads", cache_thread_tests},
                                      {"views", view_tests},
                                      {"views since", view_since_tests},
                                      {"views of an owner", view_owner_tests},
                                      {"cursors", cursor_tests},
                                      {"marks", marks_tests},
                                      {"marks since", marks_since_tests},
                                      {"chat rows", chat_row_tests},
                                      {"compressor", compressor_tests},
                                      {"readers", reader_tests},
                                      {0}});
}
