"""What a configuration says about safety, put into effect: interlocks, what is done at the end, and the deadman."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from pylpaca.config import Configuration, DeadmanSection, Mistake
from pylpaca.interfaces import operations
from pylpaca.roster import Entry, Key, Roster
from pylpaca.safety import interlocks
from pylpaca.safety.deadman import Deadman
from pylpaca.safety.interlocks import EXCEPT_TO_SAFETY, Guard, Wrong
from pylpaca.safety.on_exit import OnExit
from pylpaca.safety.safe_states import Step, read_word, words

log = Logger()

DEFAULT = (("telescope", "park"), ("dome", "close"))


class Precautions:
    """All of it, for one server."""

    def __init__(self, roster: Roster, deadman: Deadman | None, on_exit: OnExit, clock: IReactorTime) -> None:
        self._roster, self.deadman, self.on_exit, self._clock = roster, deadman, on_exit, clock

    def start(self) -> None:
        """The server runs."""
        self.on_exit.start()
        if self.deadman is not None:
            self.deadman.start()

    @property
    def heard(self) -> Callable[[], None] | None:
        """What is to be called whenever a client asks a device for anything."""
        return None if self.deadman is None else self.deadman.heard

    def stop(self) -> None:
        """The server stops."""
        if self.deadman is not None:
            self.deadman.stop()

    @property
    def is_at_work(self) -> bool:
        """Whether devices are being brought into safe states just now."""
        return self.on_exit.is_at_work or (self.deadman is not None and self.deadman.is_at_work)

    def objections(self, configuration: Configuration, roster: Roster) -> list[Mistake]:
        """What would be wrong with a configuration if these were the devices; nothing is changed."""
        return _Found.of(configuration, roster).mistakes

    def follow(self, configuration: Configuration) -> None:
        """Other devices stand in the roster now: all that is about them is about those from here on."""
        found = _Found.of(configuration, self._roster)
        interlocks.install(found.guards, self._roster)
        self.on_exit = OnExit(found.chains, self._clock)
        if self.deadman is not None:
            self.deadman.steps = found.deadman

    async def leave(self, needs: Callable[[str, float], object] = lambda status, seconds: None) -> None:
        """
        The calls of clients have ended: what has not begun does not begin any more, and devices do what they do at the end.

        :param needs: is told, if that takes time, what is done and how many seconds it may take.
        """
        for entry in self._roster:
            entry.driver.link.motions.give_up()
        await self.on_exit.carry_out(needs)


def read(configuration: Configuration, roster: Roster, clock: IReactorTime) -> tuple[Precautions, list[Mistake]]:
    """
    What the configuration says, and what is wrong with that.

    :param roster: the devices that could be built; the others are told elsewhere.
    """
    found = _Found.of(configuration, roster)
    section = configuration.server.deadman
    deadman = None
    if section is not None:
        deadman = Deadman(found.deadman, 60 * section.minutes, section.at_start, clock)
    precautions = Precautions(roster, deadman, OnExit(found.chains, clock), clock)
    interlocks.install(found.guards, roster)
    if not found.mistakes:
        for warning in found.reading.warnings(precautions):
            log.warn("{sentence}", sentence=warning)
    return precautions, found.mistakes


@dataclass(frozen=True)
class _Found:
    """What a configuration says about safety, with the devices of a roster."""

    guards: Mapping[Key, Guard]
    chains: Sequence[Sequence[Step]]
    deadman: Sequence[Step]
    mistakes: list[Mistake]
    reading: _Reading

    @classmethod
    def of(cls, configuration: Configuration, roster: Roster) -> _Found:
        guards, mistakes = interlocks.read(configuration, roster)
        reading = _Reading(configuration, roster, mistakes)
        chains = reading.chains()
        section = configuration.server.deadman
        return cls(guards, chains, reading.deadman_steps(section) if section is not None else (), mistakes, reading)


class _Reading:
    """Makes steps of what was written."""

    def __init__(self, configuration: Configuration, roster: Roster, mistakes: list[Mistake]) -> None:
        self._configuration, self._roster, self._mistakes = configuration, roster, mistakes
        self._known = [(each.entry.device_type, each.entry.device_number) for each in configuration.devices]

    def chains(self) -> list[list[Step]]:
        """What each device does at the end; those that need others know the steps of these."""
        found: list[list[Step]] = []
        for each in self._configuration.devices:
            key = (each.entry.device_type, each.entry.device_number)
            entry, chain = self._roster.entries.get(key), []
            for index, word in enumerate(each.entry.on_exit):
                try:
                    operation = read_word(key[0], word, entry)
                except Wrong as wrong:
                    self._say(wrong, (*each.place, "on_exit", index))
                    continue
                if entry is not None:
                    chain.append(Step(entry, operation, self._configuration.server.on_exit_within))
            if chain:
                found.append(chain)
        every = [step for chain in found for step in chain]
        return [[_needing(step, every) for step in chain] for chain in found]

    def deadman_steps(self, section: DeadmanSection) -> list[Step]:
        """What the deadman does."""
        if section.steps is None:
            steps = self._default(section)
            if not steps:
                sentence = 'there is no telescope to park and no dome to close: say "steps"'
                self._mistakes.append(self._configuration.source.mistake(sentence, ("server", "deadman")))
            return steps
        steps = []
        for index, each in enumerate(section.steps):
            word, _, device = each.step.partition(" ")
            try:
                key = interlocks.find(device.strip(), self._known)
                entry = self._roster.entries.get(key)
                operation = read_word(key[0], word, entry)
            except Wrong as wrong:
                self._say(wrong, ("server", "deadman", "steps", index, "step"))
                continue
            if entry is not None:
                step = Step(entry, operation, each.within or section.within, each.go_on)
                steps.append(_needing(step, [before for before in steps if not before.go_on]))
        return steps

    def _default(self, section: DeadmanSection) -> list[Step]:
        """Every mount that can be parked, then, if all mounts are parked, every dome that can be closed."""
        every: list[Step] = []
        steps: list[Step] = []
        for kind, word in DEFAULT:
            operation = words(kind)[word]
            for entry in sorted((each for each in self._roster if each.kind == kind), key=lambda each: each.number):
                step = _needing(Step(entry, operation, section.within, go_on=True), every)
                every.append(step)
                try:
                    read_word(kind, word, entry)
                except Wrong:
                    continue
                steps.append(step)
        return steps

    def warnings(self, precautions: Precautions) -> Iterator[str]:
        """What is no mistake, but may not be what was meant."""
        deadman = list(precautions.deadman.steps) if precautions.deadman is not None else []
        steps = [*deadman, *(step for chain in precautions.on_exit.chains for step in chain)]
        for entry in self._roster:
            own = [step for step in steps if step.entry is entry]
            if own and not entry.driver.link.permanent:
                yield (
                    f"{own[0].device} is not autoconnect: {own[0]} does nothing once the last client that connected it has "
                    "disconnected it"
                )
            for step in own:
                if not step.needs and step.state.after in {each.kind for each in self._roster} - set(_asked(step)):
                    yield (
                        f"{step} does not look at any {step.state.after}: if that can be in the way, give {step.device} an "
                        f"interlock for {step.operation.method}"
                    )
            yield from _locked_out(entry)

    def _say(self, wrong: Wrong, place: tuple[str | int, ...]) -> None:
        self._mistakes.append(self._configuration.source.mistake(str(wrong), place))


def _asked(step: Step) -> Iterator[str]:
    """The device types that interlocks of a step's device ask before they let it pass."""
    guard = step.entry.driver.link.motions.guard
    if isinstance(guard, Guard):
        for each in guard.interlocks:
            if step.operation.method in each.methods:
                yield from (condition.key[0] for condition in each.conditions)


def _locked_out(entry: Entry) -> Iterator[str]:
    """Ways to safety that are closed when it is not safe, which is when they are needed."""
    guard = entry.driver.link.motions.guard
    for each in guard.interlocks if isinstance(guard, Guard) else ():
        known = operations(entry.driver.interface)
        ways = sorted(method for method in each.methods if known[method].reaches is not None)
        if ways and any(condition.key[0] == "safetymonitor" for condition in each.conditions):
            yield (
                f"{entry.kind}/{entry.number} may not {' or '.join(ways)} when it is not safe, as an interlock says; "
                f'"{EXCEPT_TO_SAFETY}" would let it'
            )


def _needing(step: Step, others: Sequence[Step]) -> Step:
    """The same step, which needs those others that are about a device type that it comes after."""
    needs = tuple(each for each in others if step.state.after and each.entry.kind == step.state.after)
    return Step(step.entry, step.operation, step.within, step.go_on, needs)
