import { startRvmApplication } from '../support/rvm-application.ts';
import { playInChromium } from './scenarios/in-chromium.ts';
import { endpointScenarios, jsonpScenarios } from './scenarios/token-endpoints.ts';
import { tokenScenarios } from './scenarios/tokens.ts';

playInChromium(startRvmApplication, [...tokenScenarios, ...endpointScenarios, ...jsonpScenarios]);
