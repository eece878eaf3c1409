"""Every source that the receiver speaks; a new one is its file and a line here."""

from receiver.sources import api, cloudevents, github, gitlab, jenkins, milepost, packer

SOURCES = {
    source.name: source
    for source in (
        milepost.SOURCE,
        packer.SOURCE,
        github.SOURCE,
        gitlab.SOURCE,
        jenkins.SOURCE,
        cloudevents.SOURCE,
        api.SOURCE,
    )
}
