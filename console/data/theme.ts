import { effect, type Signal, signal } from '@preact/signals';

export type ThemeName = 'system' | 'light' | 'dark';

const KEY = 'kulkul-theme';
const NAMES: readonly ThemeName[] = ['system', 'light', 'dark'];

/** Light or dark, as the system has it or as somebody chose on this machine. */
export class Theme {
  readonly name: Signal<ThemeName> = signal(remembered());

  constructor() {
    effect(() => {
      const { value } = this.name;
      document.documentElement.dataset.theme = value;
      localStorage.setItem(KEY, value);
    });
  }

  /** The next of the three. */
  turn(): void {
    this.name.value = NAMES[(NAMES.indexOf(this.name.value) + 1) % NAMES.length] ?? 'system';
  }
}

function remembered(): ThemeName {
  const kept = localStorage.getItem(KEY);
  return NAMES.find((name) => name === kept) ?? 'system';
}
