"""Every source of the receiver. A new one is a file and a line here."""

from receiver.sources import cloudevents, github, gitlab, jenkins, manual, milepost, packer

SOURCES = {
    source.name: source
    for source in (
        milepost.SOURCE,
        packer.SOURCE,
        github.SOURCE,
        gitlab.SOURCE,
        jenkins.SOURCE,
        cloudevents.SOURCE,
        manual.SOURCE,
    )
}
