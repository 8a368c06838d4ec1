import type { JSX } from 'preact';
import type { ChannelKindName } from '../../server/console/contract.ts';

const KIND_TONES: Readonly<Record<ChannelKindName, string>> = {
  public: '',
  cache: '',
  private: 'info',
  'private-cache': 'info',
  'private-encrypted': 'plum',
  'private-encrypted-cache': 'plum',
  presence: 'good',
  'presence-cache': 'good',
};

export function KindTag({ kind }: { kind: ChannelKindName }): JSX.Element {
  return <span class={`tag ${KIND_TONES[kind]}`}>{kind}</span>;
}
