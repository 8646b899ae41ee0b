"""The one writer: frames and outcomes in, one transaction, then acknowledgements, deliveries and wake-ups.

Frame → Snapshot → Event → Delivery: `intake` says which frames count, `recorder` folds them into snapshots and events,
the views of `sentinel.policy` turn events into deliveries, `writer` commits it all and tells everybody who waits.
"""
