import './faults.test.mjs';
import './races.test.mjs';
import './rules.test.mjs';
