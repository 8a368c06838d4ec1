/**
 * A simulated till (seeded). First it writes down what was sold while it was not running, in a new shop everything since the month
 * began, and a week at least; then each order when it comes.
 */
import { seeded } from '../shared/model.mjs';
import { variablesOf } from '../shared/variables.mjs';
import { sell } from './sell.mjs';
import { openShop } from './shop.mjs';

const { SALES_DATABASE: database } = variablesOf('SALES_DATABASE');
const written = sell(await openShop(database), seeded(1_945));
process.stdout.write(`Simulated: ${written} orders written down, and from now on each as it comes.\n`);
