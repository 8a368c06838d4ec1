import { startApplication } from '../support/application.ts';
import { interruptionScenarios } from './scenarios/connection.ts';
import { echoScenarios } from './scenarios/echo.ts';
import { playInChromium } from './scenarios/in-chromium.ts';
import { pusherJsScenarios } from './scenarios/pusher-js.ts';

playInChromium(startApplication, [...pusherJsScenarios, ...echoScenarios, ...interruptionScenarios]);
