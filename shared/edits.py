"""What the API and the dispatchers agree on so that no request begins under terms that an answered edit replaced."""

from datetime import timedelta

# The longest that a dispatcher may begin requests without a beat that succeeded, as the API counts it: on the clock
# of the database, from the beat. A dispatcher counts less, from when it sent the beat.
LEASE = timedelta(seconds=5)
# The channel of NOTIFY on which the API hints that there is an edit to hear of. A lost hint costs a second.
EDITS_CHANNEL = "herald_edits"
# The channel on which the API asks the dispatchers to read the providers file again.
PROVIDERS_CHANNEL = "herald_providers"
