"""From infusion rate to pain: plasma, receptor block, pain memory, slow site, pain score."""
