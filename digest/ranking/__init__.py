"""Everything between stored papers and the papers of a digest.

Knows no store, no mail, no clock and no configuration, so it can be imported and tested alone.
Modules import one another downwards only, in this order:

    recipes                                    named ways to rank
    selection, team_draft, calibration         scores -> the papers of a digest
    shares, thumb_assignment, taste_clusters   several interests of one reader
    co_likes                                   what other readers' likes add
    scores                                     profile x papers -> one sum for each, and its parts
    profiles                                   what a reader wrote and rated -> one linear model
    classifier, classifiers                    rated rows -> linear weights, of one reader, of many
    features, encoders                         text -> rows of numbers
    rows                                       sparse and dense blocks of these rows
"""
