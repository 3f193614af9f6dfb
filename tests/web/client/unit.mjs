import './races.test.mjs';
import './rules.test.mjs';
