/* report.h: the result of a run as a table for people or as one JSON object.
 * Thread: main, after load_run(). */
#pragma once
#include "load.h"

void report_text(struct load *l);
void report_json(struct load *l);
double report_cost_us(const struct load *l); /* server CPU per primary operation; < 0 when unknown */
